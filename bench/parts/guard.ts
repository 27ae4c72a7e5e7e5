/** What test/bench/guard.test.ts holds: its committed figures are those of bench/results/guard.json. */
import { guardRatios, runGuard } from "../guard.js";
import { sizeOf } from "../metrics.js";
import type { Part } from "./part.js";

export const guard: Part = async function* ({ runs }) {
  const { frame, results } = await runGuard(runs);
  yield {
    title: `guard, a generated result (${sizeOf(frame)})`,
    results,
    verdicts: [],
    remarks: Object.entries(guardRatios(results)).map(
      ([name, { speed, cpu }]) =>
        `${name} at its best beside its peer: ${speed.toFixed(2)} of the speed, ${cpu.toFixed(2)} by CPU time.`,
    ),
  };
};
