import type { Data, Field, RecordBatch } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { turnIsDue } from "../../event-loop.js";
import { type ColumnReader, columnReader, type ValueFormat } from "./column-reader.js";
import { valuesIn } from "./value-count.js";

/** Some rows of a batch, read: the values of each column, all of the same number of rows. */
export interface RowWindow<T> {
  readonly rows: number;
  readonly columns: readonly ArrayLike<T>[];
}

/** Values of a window, unless one row has more. */
const MAX_VALUES = 64 * 1024;
/** Values of a row: V8 makes a hash table of a longer array, which takes ten times the memory. */
const MAX_ROW_VALUES = 32 * 1024 * 1024;

/**
 * Reads batches of one schema, some rows at a time: `maxRows`, and fewer of many columns, long lists or long texts. This
 * bounds the memory for the values of a batch. Yields undefined between two columns if the event loop should turn.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE naming the column
 */
export function windowReader<T>(
  fields: readonly Field[],
  format: ValueFormat<T>,
  maxRows: number,
): (batch: RecordBatch) => Generator<RowWindow<T> | undefined> {
  const readers = fields.map((field) => columnReader(field, format));
  return function* (batch) {
    const { children } = batch.data;
    for (let start = 0; start < batch.numRows; ) {
      const rows = rowsOfWindow(children, fields, start, Math.min(maxRows, batch.numRows - start));
      const columns: ArrayLike<T>[] = [];
      for (const [index, read] of readers.entries()) {
        if (turnIsDue()) yield undefined;
        const data = children[index]!;
        columns.push(readColumn(read, rows === data.length ? data : data.slice(start, rows), fields[index]!));
      }
      start += rows;
      yield { rows, columns };
    }
  };
}

/** @throws SparkStreamError INVALID_INPUT for a row that is too large for any object or line */
function rowsOfWindow(columns: readonly Data[], fields: readonly Field[], start: number, most: number): number {
  for (let rows = most; ; ) {
    let values = 0;
    for (const column of columns) values += valuesIn(column, start, rows);
    if (!(values > MAX_VALUES)) return rows;
    if (rows === 1) {
      checkRow(columns, fields, start);
      return 1;
    }
    // By the average row; where rows differ much in size it takes some more rounds.
    rows = Math.max(1, Math.min(rows - 1, Math.floor((rows * MAX_VALUES) / values)));
  }
}

function checkRow(columns: readonly Data[], fields: readonly Field[], row: number): void {
  for (const [index, column] of columns.entries()) {
    const values = valuesIn(column, row, 1);
    if (values <= MAX_ROW_VALUES) continue;
    const message =
      `Column \`${fields[index]!.name}\` has a row of ${Math.round(values)} values, and ${MAX_ROW_VALUES} are the most ` +
      "that a row can have here. Use explode() in the query, or write the batches to Parquet or Arrow.";
    throw new SparkStreamError("INVALID_INPUT", message);
  }
}

/** @throws SparkStreamError INVALID_INPUT where the column's bytes are not what its type says, a broken variant say */
function readColumn<T>(read: ColumnReader<T>, data: Data, { name }: Field): ArrayLike<T> {
  try {
    return read(data);
  } catch (cause) {
    const message = `Column \`${name}\` has values that do not fit its type: ${(cause as Error).message}.`;
    throw new SparkStreamError("INVALID_INPUT", message, { cause });
  }
}
