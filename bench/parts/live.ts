/** The frame of the replay from a real Spark, which shares the machine; and rows, one by one. */
import { randomUUID } from "node:crypto";
import type { SparkSession } from "../../lib/index.js";
import { openSession } from "../contenders/session.js";
import { adbcDriver, bareDrain, ourBytes, ourRows, ours, pyspark, rustClient } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpu, drainMetrics, firstBatch, longestGap, memory, p99Gap, rowSpeed, sizeOf, speed } from "../metrics.js";
import { trips, tripsFrame } from "../recipes.js";
import { openSpark, type SparkAccess } from "../spark.js";
import { compare } from "../verdict.js";
import type { Outcome, Part, PartOptions } from "./part.js";

const ROWS = 5_000_000;
/** Row by row PySpark takes 10 s and more for them. */
const FEWER_ROWS = 1_000_000;

export const live: Part = async function* (options) {
  await using spark = await openSpark();
  yield await batches(spark.access, options);
  yield await smallBatches(spark.access, options);
  yield await rowByRow(spark.access, options);
};

async function batches(spark: SparkAccess, { runs }: PartOptions): Promise<Outcome> {
  const [raw, itsBatches, table, cStream, rust, adbc] = await Promise.all([
    pyspark("raw"),
    pyspark("batches"),
    pyspark("table"),
    pyspark("c-stream"),
    rustClient(),
    adbcDriver(),
  ]);
  const contenders = [bareDrain, ours, ourBytes, raw, itsBatches, table, cStream, rust, adbc];
  const frame = tripsFrame(ROWS);
  const task = () => ({ ...spark, sessionId: randomUUID(), query: trips(ROWS), passes: 3, samples: 2 });
  const results = await alternate(contenders, task, () => frame, {
    runs,
    metrics: [...drainMetrics, firstBatch, longestGap, p99Gap],
  });
  const beside = { part: "live", metric: speed, contender: ours.name, bound: "at least" } as const;
  return {
    title: `live, 10,000-row batches (${sizeOf(frame)})`,
    results,
    verdicts: [
      compare(results, { ...beside, peer: bareDrain.name, target: 0.95 }),
      compare(results, { ...beside, peer: raw.name, target: 1 }),
      compare(results, { ...beside, peer: cStream.name, target: 3 }),
    ],
    remarks: [
      "A run is 3 queries of one session, of which the first is not counted.",
      "The CPU time is the client's alone; Spark's own is the same for all but SPARK-54337's path.",
    ],
  };
}

async function smallBatches(spark: SparkAccess, { runs }: PartOptions): Promise<Outcome> {
  const title = "live, 1,000-row batches";
  const frame = tripsFrame(ROWS);
  const sessions: SparkSession[] = [];
  // A run's session is told from here that its batches are small.
  const task = async () => {
    const sessionId = randomUUID();
    const session = await openSession({ ...spark, sessionId });
    sessions.push(session);
    await session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1000");
    return { ...spark, sessionId, query: trips(ROWS), passes: 3, samples: 2 };
  };
  try {
    const results = await alternate([bareDrain, ours], task, () => frame, {
      runs,
      metrics: [...drainMetrics, longestGap, p99Gap],
    });
    const beside = { part: title, metric: speed, contender: ours.name, peer: bareDrain.name } as const;
    return {
      title: `${title} (${sizeOf(frame)})`,
      results,
      verdicts: [compare(results, { ...beside, bound: "at least", target: 0.95 })],
      remarks: [],
    };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function rowByRow(spark: SparkAccess, { runs }: PartOptions): Promise<Outcome> {
  const theirs = await pyspark("rows");
  const frame = tripsFrame(FEWER_ROWS);
  const task = () => ({ ...spark, sessionId: randomUUID(), query: trips(FEWER_ROWS), passes: 4, samples: 3 });
  const results = await alternate([ourRows, theirs], task, () => frame, {
    runs,
    metrics: [rowSpeed, cpu, memory, longestGap, p99Gap],
  });
  const comparison = { part: "live", metric: rowSpeed, contender: ourRows.name, peer: theirs.name } as const;
  return {
    title: `live, row by row (${sizeOf(frame)})`,
    results,
    verdicts: [compare(results, { ...comparison, bound: "at least", target: 30 })],
    remarks: [],
  };
}
