/**
 * The last stage of the chain. In: DecodedRow. Out: record batches, passed to `deliver` one by one; if that returns a
 * promise, the next batch follows when it settles. Memory: one row and its batches.
 *
 * The stage checks that no row was lost or repeated: every row states its position and its size, and the decoded
 * batches must agree. If the sender states neither (Spark 3.5 and other servers send no offsets), there is nothing to
 * check.
 */
import { Writable } from "streamx";
import { incompleteResult } from "../errors.js";
import type { ArrowIpcRow, Counted, DecodedRow } from "./arrow-ipc-row.js";
import type { BatchInfo } from "./batch-info.js";

export interface BatchSinkOptions<T extends Counted> {
  /** Delivers a batch. Returns a promise if the next batch has to wait; it never rejects. */
  deliver(batch: T, info: BatchInfo): Promise<void> | undefined;
  /** Called after the last batch of a row was delivered. */
  onRowDone(row: ArrowIpcRow): void;
  /** Makes the one batch of a stream that would otherwise have none; undefined if its schema is not known. */
  empty(): T | undefined;
}

export function batchSink<T extends Counted>({ deliver, onRowDone, empty }: BatchSinkOptions<T>): Writable {
  let rows = 0;
  let batches = 0;

  /** Delivers the batches from number `index` on. Not an async function: most rows have one batch and need no wait. */
  function deliverFrom(index: number, { row, batches: decoded }: DecodedRow<T>, done: () => void): void {
    for (let next = index; next < decoded.length; next++) {
      const batch = decoded[next]!;
      const rowOffset = rows;
      rows += batch.numRows;
      batches++;
      const waits = deliver(
        batch,
        row.partition === undefined ? { rowOffset } : { rowOffset, partition: row.partition },
      );
      if (waits) return void waits.then(() => deliverFrom(next + 1, { row, batches: decoded }, done));
    }
    onRowDone(row);
    done();
  }

  return new Writable({
    highWaterMark: 1,
    byteLength: () => 1,
    write(decoded: DecodedRow<T>, callback) {
      try {
        check(decoded, rows);
        deliverFrom(0, decoded, () => callback(null));
      } catch (error) {
        callback(error as Error);
      }
    },
    final(callback) {
      const batch = batches > 0 ? undefined : empty();
      if (!batch) return callback(null);
      Promise.resolve(deliver(batch, { rowOffset: 0 })).then(() => callback(null), callback);
    },
  });
}

function check({ row, batches }: DecodedRow<Counted>, rowsBefore: number): void {
  const count = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  if (row.startOffset !== undefined && row.startOffset !== rowsBefore) {
    throw incompleteResult(`the next rows begin at ${row.startOffset}, but ${rowsBefore} have arrived before them`);
  }
  if (row.rowCount !== undefined && row.rowCount !== count) {
    throw incompleteResult(`a batch at row ${rowsBefore} should have ${row.rowCount} rows but has ${count}`);
  }
}
