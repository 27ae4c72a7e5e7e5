/**
 * npm run bench:profile [-- NAME…]
 *
 * A CPU profile of each hot path in a process that runs nothing else, as the tree of its calls: what is between two marks of
 * docs/where-time-goes.md. What it taught is written there by hand.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalSpark } from "../lib/local/index.js";
import { build } from "./build.js";
import { bareDrain, type Contender, nodeContender, ourBytesToSocket, ourRows, ours } from "./contenders.js";
import { run } from "./measure.js";
import { type RecordingName, trips } from "./recipes.js";
import { filesOf, recorded } from "./recording.js";
import { startReplay } from "./replay.js";
import { table } from "./table.js";
import type { Task } from "./task.js";

/** With so many passes, what V8 does for the first ones does not count for much. */
const PASSES = 30;
/** How many functions are listed by the time that they take by themselves. */
const LISTED = 10;
/** The share of a branch below which it is left out, and the depth. */
const [LEAST, DEEPEST] = [0.03, 8];

const page = new URL("../docs/where-time-goes.md", import.meta.url);

interface Path {
  readonly contender: Contender;
  /** What is read; "live" is from a Spark that is started. */
  readonly of: RecordingName | "live";
  readonly passes?: number;
}

const paths: Readonly<Record<string, Path>> = {
  "bare-drain": { contender: bareDrain, of: "batches-10000" },
  "spark-stream": { contender: ours, of: "batches-10000" },
  "spark-stream-1000": { contender: ours, of: "batches-1000" },
  "spark-stream-wide": { contender: ours, of: "wide" },
  "ipc-bytes-to-socket": { contender: ourBytesToSocket, of: "batches-10000" },
  push: { contender: ours, of: "live", passes: 10 },
  parquet: { ...written("parquet", "batches-10000"), passes: 9 },
  "parquet-strings": { ...written("parquet", "strings"), passes: 9 },
  csv: { ...written("csv", "batches-10000"), passes: 9 },
  "csv-strings": { ...written("csv", "strings"), passes: 9 },
  ndjson: { ...written("ndjson", "batches-10000"), passes: 9 },
  rows: { contender: ourRows, of: "batches-10000", passes: 3 },
};

/** From memory, as in the part "sinks". */
function written(format: "parquet" | "csv" | "ndjson", of: RecordingName): Path {
  return { contender: nodeContender(format, "contenders/batch-file.ts", format, filesOf(of).frames), of };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in paths));
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(", ")}, but ${Object.keys(paths).join(", ")}.`);
build();
for (const [name, { contender, of, passes = PASSES }] of Object.entries(paths)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const profile = of === "live" ? await pushed(contender, passes) : await replayed(contender, of, passes);
  const summary = `Node ${process.version}, ${passes} passes of one process.\n\n\`\`\`text\n${summaryOf(profile)}\n\`\`\``;
  const [begin, end] = [`<!-- measured ${name} -->`, `<!-- /measured ${name} -->`];
  const before = await readFile(page, "utf8");
  await writeFile(
    page,
    before.replace(new RegExp(`${begin}.*${end}`, "s"), () => `${begin}\n${summary}\n${end}`),
  );
  console.log(`${name}\n\n${summary}\n`);
}

async function replayed(contender: Contender, of: RecordingName, passes: number): Promise<Profile> {
  const { recipe, sessionId } = await recorded(of);
  await using server = await startReplay(filesOf(of));
  return await profileOf(contender, { url: server.url, sessionId, query: recipe.query, passes });
}

async function pushed(contender: Contender, passes: number): Promise<Profile> {
  await using spark = await startLocalSpark({ driverMemory: "2g" });
  const { url, token } = spark;
  const task: Task = { url, token, sessionId: "", query: trips(5_000_000), passes, delivery: "push", ownSession: true };
  return await profileOf(contender, task);
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

/** The part of V8's .cpuprofile that is read here. */
interface Profile {
  /** The first is the root. */
  readonly nodes: readonly ProfileNode[];
  /** The node that ran at each sample, and the microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

async function profileOf(contender: Contender, task: Task): Promise<Profile> {
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

interface Branch {
  readonly name: string;
  /** us, alone and with its branches. */
  self: number;
  total: number;
  readonly branches: Map<string, Branch>;
}

function newBranch(name: string): Branch {
  return { name, self: 0, total: 0, branches: new Map() };
}

/** The calls as a tree, and the functions that took the most by themselves. Shares of the time that was not idle. */
function summaryOf(profile: Profile): string {
  const { root, functions } = grown(profile);
  const share = (time: number) => `${((100 * time) / root.total).toFixed(1)} %`;
  const lines: string[][] = [];
  const list = ({ branches }: Branch, depth: number) => {
    const large = [...branches.values()].filter(({ total }) => total >= LEAST * root.total);
    for (const branch of large.sort((a, b) => b.total - a.total)) {
      lines.push([`${"  ".repeat(depth)}${branch.name}`, share(branch.total), share(branch.self)]);
      if (depth < DEEPEST) list(branch, depth + 1);
    }
  };
  list(root, 0);
  const most = [...functions].sort(([, a], [, b]) => b - a).slice(0, LISTED);
  const alone = most.map(([name, time]) => [name, share(time)]);
  return [table(["calls", "all", "self"], lines), table(["function", "self"], alone)].join("\n\n");
}

/** Calls within a package, or within Node's own modules, are one branch. */
function grown({ nodes, samples, timeDeltas }: Profile): { root: Branch; functions: ReadonlyMap<string, number> } {
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) add(times, id, timeDeltas[index]!);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root = newBranch("");
  const functions = new Map<string, number>();
  const grow = ({ id, callFrame, children = [] }: ProfileNode, above: readonly Branch[]) => {
    if (callFrame.functionName === "(idle)") return;
    const name = branchOf(callFrame);
    let path = above;
    if (name !== undefined && name !== above.at(-1)!.name) {
      const { branches } = above.at(-1)!;
      const branch = branches.get(name) ?? newBranch(name);
      branches.set(name, branch);
      path = [...above, branch];
    }
    const time = times.get(id) ?? 0;
    for (const branch of path) branch.total += time;
    path.at(-1)!.self += time;
    if (time > 0) add(functions, functionOf(callFrame), time);
    for (const child of children) grow(byId.get(child)!, path);
  };
  grow(nodes[0]!, [root]);
  return { root, functions };
}

function add<K>(times: Map<K, number>, key: K, time: number): void {
  times.set(key, (times.get(key) ?? 0) + time);
}

/** The branch of a call; undefined if it counts as a part of its caller. */
function branchOf(frame: CallFrame): string | undefined {
  const file = fileOf(frame.url);
  if (frame.functionName === "(root)" || file.startsWith("bench/")) return undefined;
  if (file === "" || file.startsWith("lib/")) return functionOf(frame);
  if (file.startsWith("node:")) return file.replace(/^node:(internal\/)?(\w+).*/, "node:$2");
  return file.split("/", file.startsWith("@") ? 2 : 1).join("/");
}

function functionOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = fileOf(url);
  if (file === "") return functionName || "(native)";
  return `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`;
}

/** A URL without what is before the package, or before this project. */
function fileOf(url: string): string {
  return url.replace(/^.*\/node_modules\//, "").replace(/^.*\/data\/build\//, "");
}
