/**
 * npm run test:faults [-- --runs N --seed S --json FILE --only push|result|into|stored | --sleep SECONDS]
 *
 * The fault campaign: so many runs, each with something that goes wrong, and what became of the result, compared row by
 * row with what it should be. A fifth of the runs is on a real Spark, which is started here, and a sixteenth more of streams
 * that are pushed, as many of streams into Spark, and as many of results through a store. --sleep does nothing but to let the
 * consumer of a pushed stream (with --only stored, of a stored result) sleep once, for so long. --json writes the table's rows. The
 * exit code is 1 if a run came out otherwise than it has to, or if classes had to be skipped; the same seed repeats it.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RecordBatch } from "apache-arrow";
import { sparkStream, storeResult } from "../../lib/index.js";
import { mochaHooks, sparkSession } from "../support/spark.js";
import { blackHoles } from "./black-holes.js";
import { campaign, faultTable, skipped } from "./campaign.js";
import { closeIntoFaults, intoFaults } from "./into-faults.js";
import { networkFaults } from "./network-faults.js";
import { closePushFaults, pushFaults, pushIsUnsupported } from "./push-faults.js";
import { scriptedFaults } from "./scripted-faults.js";
import { sleeperQuery, sleepThrough } from "./sleeper.js";
import { closeStoredClusterFaults, storedClusterFaults } from "./stored-cluster-faults.js";
import { closeStoredFaults, storedFaults } from "./stored-faults.js";
import { openStoredPlaces } from "./stored-place.js";
import { scriptedTarget, sparkTargets } from "./targets.js";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
    only: { type: "string" },
    sleep: { type: "string" },
  },
});
const [runs, seed] = [values.runs, values.seed].map(Number);
const parts = ["push", "result", "into", "stored"];
if (values.only && !parts.includes(values.only)) throw new Error(`--only takes ${parts.join(", ")}.`);
const wants = (part: string) => values.only === undefined || values.only === part;
if (!(Number.isInteger(runs) && runs! > 0 && Number.isInteger(seed))) throw new Error("--runs and --seed are numbers.");

if (values.sleep) {
  const places = values.only === "stored" ? await openStoredPlaces() : undefined;
  const frame = (await sparkSession()).sql(sleeperQuery);
  const readAheadBytes = 2 ** 20;
  let stream: AsyncIterable<RecordBatch>;
  if (places) {
    const store = places.stores.bucket;
    const result = await storeResult(frame, { store });
    await mochaHooks.afterAll(); // a stored result needs no Spark
    stream = sparkStream(result, { store, readAheadBytes });
  } else stream = sparkStream(frame, { delivery: "push", readAheadBytes });
  const { outcome, error } = await sleepThrough(stream, Number(values.sleep) * 1000);
  console.log(`${outcome}, after a sleep of ${values.sleep} s`, error ?? "");
  await (places?.[Symbol.asyncDispose]() ?? mochaHooks.afterAll());
  process.exit(outcome === "exact" ? 0 : 1);
}

const onSpark = Math.round(runs! / 5);
const pushed = Math.floor(runs! / 16);
const inProcess = [...scriptedFaults, ...networkFaults(scriptedTarget), ...blackHoles];
const begin = performance.now();
const results = [];
if (wants("result")) {
  results.push(
    await campaign(inProcess, { runs: runs! - onSpark, seed: seed!, atOnce: 8 }),
    await campaign(sparkTargets.flatMap(networkFaults), { runs: onSpark, seed: seed!, atOnce: 4 }),
  );
}
if (wants("push")) {
  const reason = await pushIsUnsupported();
  // One at a time: some of them strike all that a Spark has.
  const run = () => campaign(pushFaults, { runs: pushed, seed: seed!, atOnce: 1 });
  results.push(reason === undefined ? await run() : skipped(pushFaults, reason));
  await closePushFaults();
}
if (wants("into")) {
  results.push(await campaign(intoFaults, { runs: pushed, seed: seed!, atOnce: 1 }));
  await closeIntoFaults();
}
if (wants("stored")) {
  results.push(await campaign(storedFaults, { runs: pushed, seed: seed!, atOnce: 1 }));
  await closeStoredFaults();
  results.push(await campaign(storedClusterFaults, { runs: Math.ceil(pushed / 8), seed: seed!, atOnce: 1 }));
  await closeStoredClusterFaults();
}
await mochaHooks.afterAll();

const rows = results.flatMap((result) => result.rows);
const problems = results.flatMap((result) => result.problems);
console.log(faultTable(rows));
console.log(`\nseed ${seed}, ${Math.round((performance.now() - begin) / 1000)} s`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** ms after which a process that has nothing to do has ended. */
const IDLE = 15_000;
setTimeout(() => {
  console.error(`Something was left open: ${process.getActiveResourcesInfo()}`);
  process.exit(1);
}, IDLE).unref();
