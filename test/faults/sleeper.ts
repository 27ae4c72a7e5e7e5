import { setTimeout as sleep } from "node:timers/promises";
import { type SparkSession, type SparkStreamOptions, sparkStream } from "../../lib/index.js";
import { ReceivedRows, rowQuery } from "./rows.js";

const ROWS = 1_000_000;

/** A stream whose consumer sleeps for so many ms when a few batches have come, and what came in all. */
export async function sleepThrough(
  spark: SparkSession,
  ms: number,
  options: SparkStreamOptions,
): Promise<{ outcome: string; error?: unknown }> {
  const received = new ReceivedRows(ROWS, { ordered: options.delivery !== "push" });
  let batches = 0;
  try {
    for await (const batch of sparkStream(spark.sql(rowQuery(ROWS, 8)), { ...options, readAheadBytes: 2 ** 20 })) {
      received.add(batch);
      if (++batches === 3) await sleep(ms);
    }
    return { outcome: received.outcome("ended") };
  } catch (error) {
    return { outcome: received.outcome("failed"), error };
  }
}
