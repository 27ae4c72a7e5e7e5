/**
 * npm run test:fuzz [-- --inputs N --seed S]
 *
 * Broken bytes at each boundary that a server's bytes come to. The exit code is 1 where one was met with anything but a
 * clear error or a valid result.
 */
import { parseArgs } from "node:util";
import { fuzz, fuzzTable } from "./fuzz.js";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } },
});
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (!(Number.isInteger(inputs) && inputs > 0 && Number.isInteger(seed))) {
  throw new Error("--inputs and --seed are numbers.");
}

const { rows, problems } = await fuzz({ inputs, seed });
console.log(fuzzTable(rows));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
