import { setTimeout as sleep } from "node:timers/promises";
import { type SparkSession, sparkStream } from "../../lib/index.js";
import { ReceivedRows, rowQuery } from "./rows.js";

const ROWS = 1_000_000;

/** A pushed stream whose consumer sleeps for so many ms when a few batches have come, and what came in all. */
export async function sleepThrough(spark: SparkSession, ms: number): Promise<{ outcome: string; error?: unknown }> {
  const received = new ReceivedRows(ROWS, { ordered: false });
  let batches = 0;
  try {
    for await (const batch of sparkStream(spark.sql(rowQuery(ROWS, 8)), {
      delivery: "push",
      readAheadBytes: 2 ** 20,
    })) {
      received.add(batch);
      if (++batches === 3) await sleep(ms);
    }
    return { outcome: received.outcome("ended") };
  } catch (error) {
    return { outcome: received.outcome("failed"), error };
  }
}
