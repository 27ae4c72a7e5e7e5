import type { Data, Field, RecordBatch } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { turnIsDue } from "../../runtime/event-loop.js";
import { columnReader, type ValueFormat } from "./column-reader.js";
import { valuesIn } from "./value-count.js";

/** The values of a window of a batch's rows, column by column. */
export interface RowWindow<T> {
  readonly rows: number;
  readonly columns: readonly ArrayLike<T>[];
}

/** The most values of a window, unless one row has more. */
const MAX_VALUES = 64 * 1024;
/** The most values of a row: V8 turns a longer array into a hash table, which takes ten times the memory. */
const MAX_ROW_VALUES = 32 * 1024 * 1024;

/**
 * Reads batches of one schema in windows of at most `maxRows` rows, fewer if there are many columns, long lists or long
 * texts. This bounds the memory for the values of a batch. Yields undefined between two columns if the event loop
 * should turn.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE naming the column
 */
export function windowReader<T>(
  fields: readonly Field[],
  format: ValueFormat<T>,
  maxRows: number,
): (batch: RecordBatch) => Generator<RowWindow<T> | undefined> {
  return dataWindows(
    fields,
    fields.map((field) => columnReader(field, format)),
    maxRows,
  );
}

/** The same with what `readers` make of the columns. */
export function dataWindows<C>(
  fields: readonly Field[],
  readers: readonly ((data: Data) => C)[],
  maxRows: number,
): (batch: RecordBatch) => Generator<{ readonly rows: number; readonly columns: readonly C[] } | undefined> {
  let rowsBefore = 0;
  return function* (batch) {
    const { children } = batch.data;
    for (let start = 0; start < batch.numRows; ) {
      const rows = rowsOfWindow(children, fields, start, Math.min(maxRows, batch.numRows - start));
      const columns: C[] = [];
      for (const [index, read] of readers.entries()) {
        if (turnIsDue()) yield undefined;
        const data = children[index]!;
        const rowsOf = rows === data.length ? data : data.slice(start, rows);
        try {
          columns.push(read(rowsOf));
        } catch (error) {
          throw invalidValue(fields[index]!, rowsBefore + start, rowsOf, read, error);
        }
      }
      start += rows;
      yield { rows, columns };
    }
    rowsBefore += batch.numRows;
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
    // Estimated from the average row; if row sizes differ much, it takes a few more rounds.
    rows = Math.max(1, Math.min(rows - 1, Math.floor((rows * MAX_VALUES) / values)));
  }
}

function checkRow(columns: readonly Data[], fields: readonly Field[], row: number): void {
  for (const [index, column] of columns.entries()) {
    const values = valuesIn(column, row, 1);
    if (values <= MAX_ROW_VALUES) continue;
    const message =
      `Column \`${fields[index]!.name}\` has a row of ${Math.round(values)} values; a row can have at most ` +
      `${MAX_ROW_VALUES} here. Use explode() in the query, or write the batches to Parquet or Arrow.`;
    throw new SparkStreamError("INVALID_INPUT", message);
  }
}

/**
 * The error for a column whose values are not what its type says: a broken variant, or a time beyond what a Date holds. Columns
 * are read as a whole, so the row is found by reading each alone.
 *
 * @param firstRow the number of the first row of `data`, counted from 0 over all batches
 */
function invalidValue(
  field: Field,
  firstRow: number,
  data: Data,
  read: (data: Data) => unknown,
  error: unknown,
): SparkStreamError {
  let cause = error;
  let place = "";
  for (let row = 0; place === "" && row < data.length; row++) {
    try {
      read(data.slice(row, 1));
    } catch (found) {
      cause = found;
      place = ` in row ${firstRow + row}, counted from 0`;
    }
  }
  const message = `Column \`${field.name}\` has a value that does not fit its type${place}: ${(cause as Error).message}.`;
  return new SparkStreamError("INVALID_INPUT", message, { cause });
}
