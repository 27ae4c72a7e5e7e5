import type { Field, RecordBatch, Vector } from "apache-arrow";
import { batchBuffers, type ColumnBuffers } from "../../arrow/encode/column-buffers.js";
import { SparkStreamError } from "../../errors.js";

/** A slice of a batch's rows. */
export interface RowSlice {
  readonly rows: number;
  /** Bytes of Arrow data. */
  readonly bytes: number;
  readonly columns: readonly ColumnBuffers[];
}

/** The most values of one field processed at a time, unless one row has more: nulls take no bytes. */
const MAX_VALUES = 64 * 1024;
/** The most values of one field in a row. Each takes a few bytes of memory while its levels are made. */
const MAX_ROW_VALUES = 128 * 1024 * 1024;

/**
 * Takes rows of the batch from row `start` on, without copying: at most `maxRows` rows, `maxBytes` of Arrow data and
 * MAX_VALUES values, but at least one row.
 *
 * @param fields the fields of the file's schema
 * @throws SparkStreamError INVALID_INPUT naming a column that is broken, or that has a row with too many values
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
    const share = Math.min(maxBytes / bytes, MAX_VALUES / mostValues(columns));
    if (!(share < 1) || rows === 1) {
      checkRow(batch, columns);
      return { rows, bytes, columns };
    }
    // Estimated from the average row; if row sizes differ much, it takes a few more rounds.
    rows = Math.max(1, Math.min(rows - 1, Math.floor(rows * share)));
  }
}

/** The number of values of the column's largest field. */
function valuesOf({ nodes }: ColumnBuffers): number {
  let most = 0;
  for (let node = 0; node < nodes.length; node += 2) most = Math.max(most, nodes[node]!);
  return most;
}

function mostValues(columns: readonly ColumnBuffers[]): number {
  return columns.reduce((most, column) => Math.max(most, valuesOf(column)), 0);
}

function checkRow(batch: RecordBatch, columns: readonly ColumnBuffers[]): void {
  const index = columns.findIndex((column) => valuesOf(column) > MAX_ROW_VALUES);
  if (index < 0) return;
  const { name } = batch.data.type.children[index]!;
  const message = `Column \`${name}\` has a row of ${valuesOf(columns[index]!)} values; a row of a Parquet file can have at most ${MAX_ROW_VALUES} here. Use explode() in the query.`;
  throw new SparkStreamError("INVALID_INPUT", message);
}

/** The bytes of dictionaries that are not in `seen` yet, and adds them to it: batches share dictionaries. */
export function newDictionaryBytes(columns: readonly ColumnBuffers[], seen: Set<Vector>): number {
  let bytes = 0;
  for (const { vector } of columns.flatMap((column) => [...column.dictionaries.values()])) {
    if (seen.has(vector)) continue;
    seen.add(vector);
    bytes += vector.byteLength;
  }
  return bytes;
}
