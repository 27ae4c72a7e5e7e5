/**
 * The last stage of the chain. In: DecodedRow. Out: record batches, handed to `deliver` one by one; the next one follows
 * when the promise of the last is settled. Memory: one row and its batches.
 *
 * It checks that what arrived is what was sent: every row says where it belongs and how much it holds, and the batches
 * that were decoded must agree. A sender that does not say (Spark 3.5 and other servers have no offsets) is believed.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import { Writable } from "streamx";
import { SparkStreamError } from "../errors.js";
import type { ArrowIpcRow, DecodedRow } from "./arrow-ipc-row.js";
import { emptyRecordBatch } from "./record-batch.js";

export interface BatchSinkOptions {
  deliver(batch: RecordBatch, rowOffset: number): Promise<void> | undefined;
  /** Called when the last batch of a row was delivered. */
  onRowDone(row: ArrowIpcRow): void;
  /** The schema of the stream, for the one empty batch that a stream without any batch ends with. */
  schema(): Schema | undefined;
}

export function batchSink({ deliver, onRowDone, schema }: BatchSinkOptions): Writable {
  let rows = 0;
  let batches = 0;

  async function deliverRow({ row, batches: decoded }: DecodedRow): Promise<void> {
    check(row, decoded, rows);
    for (const batch of decoded) {
      const rowOffset = rows;
      rows += batch.numRows;
      batches++;
      await deliver(batch, rowOffset);
    }
    onRowDone(row);
  }

  return new Writable({
    highWaterMark: 1,
    byteLength: () => 1,
    write(decoded: DecodedRow, callback) {
      deliverRow(decoded).then(() => callback(null), callback);
    },
    final(callback) {
      const empty = schema();
      if (batches > 0 || !empty) return callback(null);
      Promise.resolve(deliver(emptyRecordBatch(empty), 0)).then(() => callback(null), callback);
    },
  });
}

function check(row: ArrowIpcRow, decoded: readonly RecordBatch[], rowsBefore: number): void {
  const count = decoded.reduce((sum, batch) => sum + batch.numRows, 0);
  if (row.startOffset !== undefined && row.startOffset !== rowsBefore) {
    throw incomplete(`the next rows begin at ${row.startOffset}, and ${rowsBefore} have arrived before them`);
  }
  if (row.rowCount !== undefined && row.rowCount !== count) {
    throw incomplete(`a batch at row ${rowsBefore} should have ${row.rowCount} rows and has ${count}`);
  }
}

function incomplete(reason: string): SparkStreamError {
  return new SparkStreamError(
    "INCOMPLETE_RESULT",
    `The result is not what Spark sent: ${reason}. Run the query again.`,
  );
}
