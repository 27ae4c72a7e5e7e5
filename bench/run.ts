/**
 * npm run bench [-- PART… --json FILE --runs N --strict]
 *
 *   replay       recorded answers of Spark, served from memory
 *   live         one of them from a Spark on this machine; row by row
 *   first-batch  from the call to the first batch, of a small and a larger result
 *   deliveries   one frame by every delivery, with the CPU time of Spark
 *   stored       one frame through a store, and what is stored already
 *   queries      1,000 small queries, one after the other and 32 at a time
 *   rows         record batches to plain objects
 *   sinks        record batches to files
 *   create       what is in memory to files of Spark: createDataFrame()
 *   into         a stream to files of Spark: sparkWriter()
 *   growth       4 and 16 times the rows
 *   far          a server at the other end of a long link, narrow or wide
 *   install      size on disk, and the time of an import
 *   node         the client's cost with each version of Node
 *   guard        the short replay that the tests repeat
 *
 * Contenders run in turn, each in a fresh process, N times (default: 7); what they need is installed into the user's cache.
 * Compare figures of one run only: they are those of this machine at this moment. Each part's are kept in
 * bench/results/PART.json, from which the docs' chart and table are made anew. --json FILE writes the comparisons with
 * their targets; --strict makes a missed target exit code 1.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import { create } from "./parts/create.js";
import { deliveries } from "./parts/deliveries.js";
import { far } from "./parts/far.js";
import { firstBatches } from "./parts/first-batch.js";
import { growth } from "./parts/growth.js";
import { guard } from "./parts/guard.js";
import { install } from "./parts/install.js";
import { into } from "./parts/into.js";
import { live } from "./parts/live.js";
import { node } from "./parts/node.js";
import type { Outcome, Part } from "./parts/part.js";
import { queries } from "./parts/queries.js";
import { replay } from "./parts/replay.js";
import { rows } from "./parts/rows.js";
import { sinks } from "./parts/sinks.js";
import { stored } from "./parts/stored.js";
import { keep, type Machine, publish } from "./publish.js";
import { resultTable, verdictTable } from "./report.js";
import type { Verdict } from "./verdict.js";

/** Load per core from which on figures are worth little. */
const BUSY = 0.5;

const parts: Readonly<Record<string, Part>> = {
  replay,
  live,
  "first-batch": firstBatches,
  deliveries,
  stored,
  queries,
  rows,
  sinks,
  create,
  into,
  growth,
  far,
  install,
  node,
  guard,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    runs: { type: "string", default: "7" },
    strict: { type: "boolean", default: false },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(parts);
const unknown = names.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) throw new Error(`No such part: ${unknown.join(", ")}. There are ${Object.keys(parts)}.`);
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error("--runs takes a whole number, 1 or more.");

const machine: Machine = {
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGigabytes: Math.round(totalmem() / 1e9),
  load: loadavg()[0]! / cpus().length,
};
if (machine.load > BUSY) console.error(`The machine is busy (load ${machine.load.toFixed(1)}): measure again later.`);
build();
const verdicts: Verdict[] = [];
for (const name of names) {
  const outcomes: Outcome[] = [];
  for await (const outcome of parts[name]!({ runs })) {
    const { title, results, remarks } = outcome;
    console.log(`\n${[title, "", resultTable(results), ...remarks].join("\n")}`);
    verdicts.push(...outcome.verdicts);
    outcomes.push(outcome);
    // What is there is kept, should a later one fail.
    keep(name, { machine, runs, outcomes });
    publish();
  }
}
console.log(`\n${verdictTable(verdicts)}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(verdicts, null, 2)}\n`);
if (values.strict && verdicts.some(({ pass }) => !pass)) process.exitCode = 1;
