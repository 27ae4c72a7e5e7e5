import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { ReceivedRows, rowQuery } from "./rows.js";

const ROWS = 1_000_000;

export const sleeperQuery = rowQuery(ROWS, 8);

/** A consumer that sleeps for so many ms when a few batches of that query have come, and what came in all. */
export async function sleepThrough(
  stream: AsyncIterable<RecordBatch>,
  ms: number,
): Promise<{ outcome: string; error?: unknown }> {
  const received = new ReceivedRows(ROWS, { ordered: false });
  let batches = 0;
  try {
    for await (const batch of stream) {
      received.add(batch);
      if (++batches === 3) await sleep(ms);
    }
    return { outcome: received.outcome("ended") };
  } catch (error) {
    return { outcome: received.outcome("failed"), error };
  }
}
