/**
 * The versions of Node, from the npm registry, and flags of V8: docs/tuning.md says what they are about.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { bareDrain, type Contender, ours } from "../contenders.js";
import { alternate } from "../measure.js";
import { drainMetrics, sizeOf } from "../metrics.js";
import { filesOf, recorded } from "../recording.js";
import { startReplay } from "../replay.js";
import type { Part } from "./part.js";
import { WARM } from "./replay.js";

const versions: readonly (readonly [version: string, ...flags: string[]])[] = [
  ["20"],
  ["22"],
  ["24"],
  ["26"],
  ["24", "--scavenger-max-new-space-capacity-mb=8"],
  ["26", "--external-memory-accounted-in-global-limit"],
];

export const node: Part = async function* ({ runs }) {
  const recording = await recorded("batches-10000");
  const { recipe, sessionId } = recording;
  const contenders: Contender[] = [];
  for (const [version, ...flags] of versions) {
    const program = await binary(version);
    for (const { name, command } of [bareDrain, ours]) {
      const [, ...args] = command;
      contenders.push({
        name: [`${name}, Node ${version}`, ...flags].join(" "),
        command: [program, ...flags, ...args],
      });
    }
  }
  await using server = await startReplay(filesOf("batches-10000"));
  const task = { url: server.url, sessionId, query: recipe.query, ...WARM };
  const results = await alternate(
    contenders,
    () => task,
    () => recording,
    { runs, metrics: drainMetrics },
  );
  yield { title: `replay, versions of Node (${sizeOf(recording)})`, results, verdicts: [], remarks: [] };
};

async function binary(version: string): Promise<string> {
  const args = ["--yes", "--package", `node@${version}`, "node", "--print", "process.execPath"];
  return (await promisify(execFile)("npx", args)).stdout.trim();
}
