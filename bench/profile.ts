/**
 * npm run bench:profile [-- NAME…]
 *
 * A CPU profile of each hot path in a process that runs nothing else, as a table of where its time goes: what is between
 * the two marks of bench/profiles/NAME.md. What it taught is written there by hand.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.js";
import { bareDrain, type Contender, nodeContender, ourBytesToSocket, ourRows, ours } from "./contenders.js";
import { run } from "./measure.js";
import type { RecordingName } from "./recipes.js";
import { filesOf, recorded } from "./recording.js";
import { startReplay } from "./replay.js";
import { table } from "./table.js";

/** With so many passes, what V8 does for the first ones does not count for much. */
const PASSES = 30;
const LISTED = 25;
const [BEGIN, END] = ["<!-- measured -->", "<!-- /measured -->"];

const paths: Readonly<Record<string, { contender: Contender; recording: RecordingName; passes?: number }>> = {
  "bare-drain": { contender: bareDrain, recording: "batches-10000" },
  "spark-stream": { contender: ours, recording: "batches-10000" },
  "spark-stream-1000": { contender: ours, recording: "batches-1000" },
  "spark-stream-wide": { contender: ours, recording: "wide" },
  "ipc-bytes-to-socket": { contender: ourBytesToSocket, recording: "batches-10000" },
  rows: { contender: ourRows, recording: "batches-10000", passes: 3 },
  parquet: { contender: parquetOf("batches-10000"), recording: "batches-10000", passes: 9 },
  "parquet-strings": { contender: parquetOf("strings"), recording: "strings", passes: 9 },
};

/** From memory, as in the part "sinks". */
function parquetOf(recording: RecordingName): Contender {
  return nodeContender("parquetWriter", "contenders/batch-file.ts", "parquet", filesOf(recording).frames);
}

const wanted = process.argv.slice(2);
build();
for (const [name, { contender, recording, passes = PASSES }] of Object.entries(paths)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { recipe, sessionId } = await recorded(recording);
  await using server = await startReplay(filesOf(recording));
  const profile = await profileOf(contender, { url: server.url, sessionId, query: recipe.query, passes });
  const file = new URL(`profiles/${name}.md`, import.meta.url);
  const before = await readFile(file, "utf8").catch(() => `# ${contender.name}, ${recipe.title}\n\n${BEGIN}\n${END}\n`);
  const summary = `Node ${process.version}, ${passes} passes of one process.\n\n\`\`\`text\n${shares(profile)}\n\`\`\``;
  await writeFile(
    file,
    before.replace(new RegExp(`${BEGIN}.*${END}`, "s"), () => `${BEGIN}\n${summary}\n${END}`),
  );
  console.log(`${name}\n\n${summary}\n`);
}

/** The part of V8's .cpuprofile that is read here. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** The node that ran at each sample, and the microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

async function profileOf(contender: Contender, task: Parameters<typeof run>[1]): Promise<Profile> {
  const directory = await mkdtemp(join(tmpdir(), "bench-profile-"));
  try {
    const [program, ...args] = contender.command;
    await run({ ...contender, command: [program, "--cpu-prof", "--cpu-prof-dir", directory, ...args] }, task);
    const [file] = await readdir(directory);
    return JSON.parse(await readFile(join(directory, file!), "utf8")) as Profile;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Self time, by where it was spent: first by module, then by function. Shares of the time that was not idle. */
function shares({ nodes, samples, timeDeltas }: Profile): string {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const modules = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id)!;
    if (functionName === "(idle)") continue;
    const time = timeDeltas[index]!;
    busy += time;
    const file = fileOf(url);
    add(modules, moduleOf(file, functionName), time);
    add(
      functions,
      file === "" ? functionName || "(native)" : `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`,
      time,
    );
  }
  const lines = (found: ReadonlyMap<string, number>) =>
    [...found]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LISTED)
      .map(([name, time]) => [name, `${((100 * time) / busy).toFixed(1)} %`])
      .filter(([, share]) => share !== "0.0 %");
  return [table(["module", "self"], lines(modules)), table(["function", "self"], lines(functions))].join("\n\n");
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

/** A URL without what is before the package, or before this project. */
function fileOf(url: string): string {
  return url.replace(/^.*\/node_modules\//, "").replace(/^.*\/data\/build\//, "");
}

/** A package; a file of this one; what V8 calls "(garbage collector)" and the like; or what is not JavaScript. */
function moduleOf(file: string, functionName: string): string {
  if (file === "") return functionName.startsWith("(") ? functionName : "(native)";
  if (file.startsWith("lib/") || file.startsWith("bench/") || file.startsWith("node:")) return file;
  return file.split("/", file.startsWith("@") ? 2 : 1).join("/");
}
