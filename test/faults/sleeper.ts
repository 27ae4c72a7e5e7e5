import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { ReceivedRows, rowQuery } from "./rows.js";

const ROWS = 1_000_000;

export const sleeperQuery = rowQuery(ROWS, 8);

/** Reads the stream of {@link sleeperQuery}, sleeps for `ms` milliseconds after the third batch, and says what arrived. */
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
