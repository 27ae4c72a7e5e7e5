/**
 * What the package costs before it does anything. It is packed and installed into an empty project, as users do; then:
 * how large that is, and how long its import takes in a fresh process.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Contender } from "../contenders.js";
import { alternate, type Result } from "../measure.js";
import { type Metric, memory, time } from "../metrics.js";
import { summary } from "../stats.js";
import { against, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

const IMPORT_LIMIT_MS = 60;
const PACKAGE = "spark-arrow-stream";
/** Smaller packages are not listed one by one; bytes. */
const LISTED = 500_000;

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const sinceStart: Metric = {
  name: "ms since the process began",
  unit: "ms",
  digits: 1,
  of: ({ wallSeconds }) => 1000 * wallSeconds,
};

export const install: Part = async function* ({ runs }) {
  const project = await mkdtemp(join(tmpdir(), "bench-install-"));
  try {
    await installInto(project);
    yield { title: "installed size", results: await sizes(project), verdicts: [], remarks: [] };

    const ours = await importer(project, PACKAGE);
    const others = ["apache-arrow", "@grpc/grpc-js", "node:stream"].map((name) => importer(project, name));
    const results = await alternate(
      [ours, ...(await Promise.all(others))],
      () => ({ url: "", sessionId: "", query: "", passes: 1 }),
      () => ({ rows: 0, arrowBytes: 0 }),
      { runs, metrics: [time, sinceStart, memory] },
    );
    const { samples } = figureOf(results, ours.name, time);
    yield {
      title: "import in a fresh process",
      results,
      verdicts: [against(`import: ${PACKAGE}`, "ms", samples, IMPORT_LIMIT_MS, "at most")],
      remarks: [],
    };
  } finally {
    await rm(project, { recursive: true });
  }
};

async function installInto(project: string): Promise<void> {
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", project], { cwd: root });
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true }));
  const tarball = join(project, stdout.trim().split("\n").at(-1)!);
  await run("npm", ["install", "--no-audit", "--no-fund", "--omit=dev", tarball], { cwd: project });
}

/** The bytes of all packages, and of each of the larger ones. */
async function sizes(project: string): Promise<Result[]> {
  const modules = join(project, "node_modules");
  const bytes = new Map<string, number>();
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const [first, second] = path.slice(modules.length + 1).split(sep) as [string, string];
    const name = first.startsWith("@") ? `${first}/${second}` : first;
    bytes.set(name, (bytes.get(name) ?? 0) + (await stat(path)).size);
  }
  const total = [...bytes.values()].reduce((sum, each) => sum + each, 0);
  const larger = [...bytes].filter(([name, size]) => size > LISTED || name === PACKAGE).sort(([, a], [, b]) => b - a);
  return [["all", total] as const, ...larger].map(([contender, size]) => {
    const samples = [size / 1e6];
    return { contender, figures: { MB: { ...summary(samples), digits: 1, samples } } };
  });
}

/** A process that imports a module and tells how long that took. */
async function importer(project: string, name: string): Promise<Contender> {
  const script = join(project, `${name.replace(/\W/g, "-")}.mjs`);
  await writeFile(
    script,
    `const start = performance.now();
     await import(${JSON.stringify(name)});
     const end = performance.now();
     const peakRssBytes = process.resourceUsage().maxRSS * 1024;
     console.log(JSON.stringify({ rows: 0, seconds: (end - start) / 1000, wallSeconds: end / 1000, peakRssBytes }));`,
  );
  return { name, command: [process.execPath, script] };
}
