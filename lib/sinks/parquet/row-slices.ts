import type { Field, RecordBatch, Vector } from "apache-arrow";
import { batchBuffers, type ColumnBuffers } from "../ipc/column-buffers.js";

/** Rows of a batch. */
export interface RowSlice {
  readonly rows: number;
  /** Of Arrow data. */
  readonly bytes: number;
  readonly columns: readonly ColumnBuffers[];
}

/**
 * Rows of the batch from row `start` on: as many as `maxRows`, and as come to `maxBytes` of Arrow data; one at least. Not
 * copied.
 *
 * @param fields of the file's schema
 * @throws SparkStreamError INVALID_INPUT naming a column that is broken
 */
export function rowSlice(
  batch: RecordBatch,
  fields: readonly Field[],
  start: number,
  maxRows: number,
  maxBytes: number,
): RowSlice {
  let rows = Math.min(batch.numRows - start, maxRows);
  for (;;) {
    const columns = batchBuffers(batch, fields, start, rows);
    const bytes = columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes <= maxBytes || rows === 1) return { rows, bytes, columns };
    // By the average row; where rows differ much in size it takes some more rounds.
    rows = Math.max(1, Math.min(rows - 1, Math.floor((rows * maxBytes) / bytes)));
  }
}

/** Bytes of the dictionaries of `columns` that are not in `seen`, which is added to: batches share them. */
export function newDictionaryBytes(columns: readonly ColumnBuffers[], seen: Set<Vector>): number {
  let bytes = 0;
  for (const { vector } of columns.flatMap((column) => [...column.dictionaries.values()])) {
    if (seen.has(vector)) continue;
    seen.add(vector);
    bytes += vector.byteLength;
  }
  return bytes;
}
