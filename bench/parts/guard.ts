/** What test/bench/guard.test.ts holds: its committed figures are those of bench/results/guard.json. */
import { guardRatios, runGuard } from "../guard.js";
import { sizeOf } from "../metrics.js";
import type { Part } from "./part.js";

export const guard: Part = async function* ({ runs }) {
  const { frame, results } = await runGuard(runs);
  const { speed, cpu } = guardRatios(results);
  yield {
    title: `guard, a generated result (${sizeOf(frame)})`,
    results,
    verdicts: [],
    remarks: [`The best of each: ${speed.toFixed(2)} of the bare drain's speed, ${cpu.toFixed(2)} by CPU time.`],
  };
};
