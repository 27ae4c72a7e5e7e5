/** How long it takes from the call to the first batch, in a session that is warm: a result of one row, and a larger one. */
import { randomUUID } from "node:crypto";
import { adbcDriver, bareDrain, ours, pyspark } from "../contenders.js";
import { alternate } from "../measure.js";
import { firstBatch, time } from "../metrics.js";
import { trips, tripsFrame } from "../recipes.js";
import { openSpark } from "../spark.js";
import { compare } from "../verdict.js";
import type { Part } from "./part.js";

const ONE_ROW = "SELECT id FROM range(0, 1, 1, 1)";
const LARGER = 1_000_000;

const frames = [
  { title: "one row", query: ONE_ROW, rows: 1, passes: 60, samples: 40 },
  { title: `${LARGER} rows`, query: trips(LARGER), rows: LARGER, passes: 12, samples: 8 },
] as const;

export const firstBatches: Part = async function* ({ runs }) {
  await using spark = await openSpark();
  const contenders = [bareDrain, ours, ...(await Promise.all([pyspark("batches"), adbcDriver()]))];
  for (const { title, rows, ...each } of frames) {
    const frame = tripsFrame(rows);
    const task = () => ({ ...spark.access, ...each, sessionId: randomUUID() });
    const found = await alternate(contenders, task, () => frame, { runs, metrics: [firstBatch, time] });
    const comparison = { part: `live, ${title}`, metric: firstBatch, contender: ours.name } as const;
    yield {
      title: `first batch, live, ${title}`,
      results: found,
      verdicts: [compare(found, { ...comparison, peer: bareDrain.name, bound: "at most", target: 1.1 })],
      remarks: [`A run is the median of ${each.samples} queries of one session.`],
    };
  }
};
