/** What test/bench/guard.test.ts holds: its committed figures are those of bench/results/guard.json. */
import { guardRatio, runGuard } from "../guard.js";
import type { Part } from "./part.js";

export const guard: Part = async function* ({ runs }) {
  const { frame, results } = await runGuard(runs);
  yield {
    title: `guard, a generated result (${frame.rows} rows, ${Math.round(frame.arrowBytes / 1e6)} MB)`,
    results,
    verdicts: [],
    remarks: [`The best of each: ${guardRatio(results).toFixed(2)} of the bare drain.`],
  };
};
