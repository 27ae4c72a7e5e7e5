/**
 * sparkStream() into one of the sinks of the memory benchmark. Every row is looked at: its id must be the next one; where
 * batches of several partitions come mixed, the next one of its partition.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { batchInfo, type SparkSession, sparkStream } from "../../lib/index.js";
import { deliveryOptions } from "./delivery-options.js";
import { fileWriters } from "./file-writers.js";
import { type Drain, measured } from "./measured.js";
import { openSession } from "./session.js";

/** The slow sink: ms that it takes for each of its first batches. */
const SLOW_MS = 50;
const SLOW_BATCHES = 200;

const drain: Drain<SparkSession> = async (session, { query, sink = "null", delivery }, tally) => {
  const nextOf = new Map<number | undefined, number>();
  async function* checked(source: AsyncIterable<RecordBatch>) {
    for await (const batch of source) {
      const ids = batch.getChildAt(0)!.toArray() as BigInt64Array;
      const partition = delivery === "push" ? batchInfo(batch)?.partition : undefined;
      let next = nextOf.get(partition) ?? (partition === undefined ? 0 : Number(ids[0]));
      for (const id of ids) {
        if (Number(id) !== next++) throw new Error(`Row ${id} came where row ${next - 1} should.`);
      }
      nextOf.set(partition, next);
      tally.add(batch.numRows);
      if (sink === "slow" && tally.batches <= SLOW_BATCHES) await sleep(SLOW_MS);
      yield batch;
    }
  }
  const directory = await mkdtemp(join(tmpdir(), "bench-memory-"));
  try {
    const target = fileWriters[sink]?.(join(directory, `out.${sink}`)) ?? nowhere();
    await pipeline(sparkStream(session.sql(query), await deliveryOptions(delivery)), checked, target);
  } finally {
    await rm(directory, { recursive: true });
  }
};

await measured(openSession, drain, (session) => session.close());

function nowhere(): Writable {
  return new Writable({ objectMode: true, highWaterMark: 1, write: (_batch, _encoding, callback) => callback() });
}
