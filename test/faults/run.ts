/**
 * npm run test:faults [-- --runs N --seed S --json FILE]
 *
 * The fault campaign: so many runs, each with something that goes wrong, and what became of the result, compared row by
 * row with what it should be. A fifth of the runs is on a real Spark, which is started here. --json writes the table's
 * rows. The exit code is 1 where a run came out otherwise than it has to; the same seed repeats it.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mochaHooks } from "../support/spark.js";
import { campaign, faultTable } from "./campaign.js";
import { networkFaults } from "./network-faults.js";
import { scriptedFaults } from "./scripted-faults.js";
import { scriptedTarget, sparkTargets } from "./targets.js";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const [runs, seed] = [values.runs, values.seed].map(Number);
if (!(Number.isInteger(runs) && runs! > 0 && Number.isInteger(seed))) throw new Error("--runs and --seed are numbers.");

const onSpark = Math.round(runs! / 5);
const inProcess = [...scriptedFaults, ...networkFaults(scriptedTarget)];
const begin = performance.now();
const results = [
  await campaign(inProcess, { runs: runs! - onSpark, seed: seed!, atOnce: 8 }),
  await campaign(sparkTargets.flatMap(networkFaults), { runs: onSpark, seed: seed!, atOnce: 4 }),
];
await mochaHooks.afterAll();

const rows = results.flatMap((result) => result.rows);
const problems = results.flatMap((result) => result.problems);
console.log(faultTable(rows));
console.log(`\nseed ${seed}, ${Math.round((performance.now() - begin) / 1000)} s`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
