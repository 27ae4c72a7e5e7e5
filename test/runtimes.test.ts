// Where programs run that use the package: as a bundle, in other runtimes and test runners, in a container. docs/where-it-runs.md
// has the configurations that are tried here.
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { notInCheck } from "./support/check.js";
import { sparkServer } from "./support/spark.js";

const exec = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
const guide = join(root, "docs/where-it-runs.md");

/** Dependencies of the programs here, beside the package itself. */
const packages = [
  "apache-arrow",
  "esbuild",
  "webpack",
  "webpack-cli",
  "rollup",
  "@rollup/plugin-node-resolve",
  "@rollup/plugin-commonjs",
  "@rollup/plugin-json",
  "bun",
  "deno",
  "jest",
  "vitest",
];

describe("Where it runs", function () {
  this.timeout(300_000);
  let project = "";
  let url = "";
  let tarball = "";
  const run = async (command: string, args: string[], cwd = project, env: NodeJS.ProcessEnv = process.env) =>
    (await exec(command, args, { cwd, env, timeout: 200_000, maxBuffer: 1e8 })).stdout;

  before(async function () {
    notInCheck("it installs packages, and needs a Spark", this);
    this.timeout(900_000); // the first start installs Spark
    const server = await sparkServer();
    url = `${server.url}/;token=${server.token}`;
    project = await mkdtemp(join(tmpdir(), "runs-"));
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", project], root);
    tarball = join(project, packed.trim().split("\n").at(-1)!);
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "app", type: "module", private: true }));
    await cp(join(root, "test/support/runtimes"), project, { recursive: true });
    await run("npm", ["install", "--no-audit", "--no-fund", "--silent", tarball, ...packages]);
  });
  after(async () => {
    if (project) await rm(project, { recursive: true, force: true });
  });

  const common = {
    collect: 20_000,
    csv: 20_000,
    parquet: "PAR1",
    failure: "SparkStreamError QUERY_FAILED UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
  };

  /** A configuration that the guide shows, by the words before its block. */
  async function shown(file: string): Promise<string> {
    const text = await readFile(guide, "utf8");
    const block = new RegExp(`\`${file.replaceAll(".", "\\.")}\`[^\`]*\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
    expect(block, file).to.be.a("string");
    return block!;
  }

  for (const [name, command] of [
    ["Bun", ["bun", "run", "app.js"]],
    ["Deno", ["deno", "run", "-A", "app.js"]],
    ["Node 22.12", ["--yes", "node@22.12.0", "app.js"]],
    ["Node 24", ["--yes", "node@24", "app.js"]],
    ["Node 26", ["--yes", "node@26", "app.js"]],
  ] as const) {
    it(`${name} runs a program with every delivery on a real Spark`, async () => {
      const found = JSON.parse(await run("npx", [...command, url, "result", "staged", "push"]));
      expect(found).to.deep.equal({ ...common, result: 20_000, staged: 20_000, push: 20_000 });
    });
  }

  /** The bundle alone: no package beside it. */
  async function runsAlone(bundle: string, file: string): Promise<void> {
    const alone = await mkdtemp(join(tmpdir(), "alone-"));
    try {
      await cp(join(project, bundle), alone, { recursive: true });
      await writeFile(join(alone, "package.json"), JSON.stringify({ type: "module" }));
      expect(JSON.parse(await run(process.execPath, [file, url, "push"], alone))).to.deep.equal({
        ...common,
        push: 20_000,
      });
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  }

  it("esbuild makes a bundle that runs alone", async () => {
    await writeFile(join(project, "esbuild.config.js"), await shown("esbuild.config.js"));
    await run(process.execPath, ["esbuild.config.js"]);
    await runsAlone("dist/esbuild", "app.js");
  });

  it("rollup makes a bundle that runs alone", async () => {
    await writeFile(join(project, "rollup.config.js"), await shown("rollup.config.js"));
    await run("npx", ["rollup", "-c", "rollup.config.js", "--silent"]);
    await runsAlone("dist/rollup", "app.js");
  });

  it("webpack makes a bundle that runs alone", async () => {
    await writeFile(join(project, "webpack.config.js"), await shown("webpack.config.js"));
    await run("npx", ["webpack", "-c", "webpack.config.js"]);
    await runsAlone("dist/webpack", "app.js");
  });

  const spec = (imports: string) => `${imports}
import { connect, SparkStreamError } from "spark-arrow-stream";
test("a query", async () => {
  const spark = await connect(process.env.SPARK_URL);
  expect(await spark.range(3).collect({ json: true })).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }]);
  await expect(spark.sql("SELECT nope").collect()).rejects.toBeInstanceOf(SparkStreamError);
  await spark.close();
});
`;

  it("vitest runs a test that uses it, as it is", async () => {
    await writeFile(join(project, "a.test.js"), spec('import { expect, test } from "vitest";'));
    await run("npx", ["vitest", "run", "a.test.js"], project, { ...process.env, SPARK_URL: url });
  });

  it("jest runs a test that uses it, with Node's modules", async () => {
    await mkdir(join(project, "jest"), { recursive: true });
    await writeFile(join(project, "jest/b.test.js"), spec(""));
    await writeFile(join(project, "jest/jest.config.js"), await shown("jest.config.js"));
    const env = { ...process.env, SPARK_URL: url, NODE_OPTIONS: "--experimental-vm-modules" };
    await run("npx", ["jest", "-c", "jest/jest.config.js"], project, env);
  });

  it("a container's steps run: installed without what is for development, as a user without rights", async () => {
    const dockerfile = await shown("Dockerfile");
    expect(dockerfile)
      .to.include("RUN npm ci --omit=dev")
      .and.to.include("USER node")
      .and.to.include('CMD ["node", "app.js"]');
    const image = await mkdtemp(join(tmpdir(), "image-"));
    try {
      const dependencies = { "apache-arrow": "*", "spark-arrow-stream": `file:${tarball}` };
      await writeFile(join(image, "package.json"), JSON.stringify({ name: "app", type: "module", dependencies }));
      await cp(join(project, "app.js"), join(image, "app.js"));
      await run("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund", "--silent"], image);
      await run("npm", ["ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"], image);
      const data = join(image, "data");
      await mkdir(data);
      await Promise.all([chmod(image, 0o755), chmod(data, 0o777)]);
      const isRoot = process.getuid?.() === 0;
      const { stdout } = await exec(process.execPath, [join(image, "app.js"), url, "result", "push"], {
        cwd: data,
        env: { PATH: process.env.PATH }, // no HOME either
        ...(isRoot && { uid: 65_534, gid: 65_534 }),
      });
      expect(JSON.parse(stdout)).to.deep.equal({ ...common, result: 20_000, push: 20_000 });
    } finally {
      await rm(image, { recursive: true, force: true });
    }
  });
});
