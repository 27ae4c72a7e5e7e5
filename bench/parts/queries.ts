/**
 * Many small queries: 1,000 of one row each, in one session, one after the other and 32 at a time; also with a setting of
 * each query's own, which then runs in a clone of the session.
 */
import { randomUUID } from "node:crypto";
import { adbcDriver, bareDrain, ours, oursWithSettings, pyspark } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpuTime, type Metric, memory, slowest, time } from "../metrics.js";
import { openSpark } from "../spark.js";
import { compare } from "../verdict.js";
import type { Part } from "./part.js";

const QUERIES = 1_000;
const WARM = 100;
const ONE_ROW = "SELECT id FROM range(0, 1, 1, 1)";

const rate: Metric = {
  name: "queries/s",
  unit: "queries/s",
  digits: 0,
  of: ({ wallSeconds }) => QUERIES / wallSeconds,
};

export const queries: Part = async function* ({ runs }) {
  await using spark = await openSpark();
  const contenders = [bareDrain, ours, oursWithSettings, ...(await Promise.all([pyspark("batches"), adbcDriver()]))];
  for (const concurrency of [1, 32]) {
    const each = { query: ONE_ROW, ownSession: true, passes: WARM + QUERIES, samples: QUERIES, concurrency };
    const task = () => ({ ...spark.access, ...each, sessionId: randomUUID() });
    const metrics = [rate, time, slowest, cpuTime, memory];
    const results = await alternate(contenders, task, () => ({ rows: 1, arrowBytes: 0 }), { runs, metrics });
    const own = { part: "queries", metric: rate, contender: oursWithSettings.name, peer: ours.name };
    const beside = { part: `queries, ${concurrency} at a time`, contender: ours.name, peer: bareDrain.name };
    const speed = { ...beside, metric: rate, bound: "at least", target: concurrency === 1 ? 0.97 : 0.95 } as const;
    const cost = { ...beside, metric: cpuTime, bound: "at most", target: 1.3 } as const;
    const how = concurrency === 1 ? "one after the other" : `${concurrency} at a time`;
    yield {
      title: `${QUERIES} queries of one row, live, ${how}`,
      results,
      verdicts: [
        compare(results, speed),
        compare(results, cost),
        ...(concurrency === 1 ? [] : [compare(results, { ...own, bound: "at least", target: 1 / 1.3 })]),
      ],
      remarks: ["ms: the median of a run; CPU: the client's, per query."],
    };
  }
};
