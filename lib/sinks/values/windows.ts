import type { Data, Field, RecordBatch } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { type ColumnReader, columnReader, type ValueFormat } from "./column-reader.js";

/** Some rows of a batch, read: the values of each column, all of the same number of rows. */
export interface RowWindow<T> {
  readonly rows: number;
  readonly columns: readonly ArrayLike<T>[];
}

/**
 * Reads batches of one schema, so many rows at a time: what bounds the memory for the values of a batch.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE naming the column
 */
export function windowReader<T>(
  fields: readonly Field[],
  format: ValueFormat<T>,
  rowsPerWindow: number,
): (batch: RecordBatch) => Generator<RowWindow<T>> {
  const readers = fields.map((field) => columnReader(field, format));
  let rowsBefore = 0;
  return function* (batch) {
    for (let start = 0; start < batch.numRows; start += rowsPerWindow) {
      const rows = Math.min(rowsPerWindow, batch.numRows - start);
      const columns = readers.map((read, index) => {
        const data = batch.data.children[index]!;
        const rowsOf = rows === data.length ? data : data.slice(start, rows);
        try {
          return read(rowsOf);
        } catch (error) {
          throw misfit(fields[index]!, rowsBefore + start, rowsOf, read, error);
        }
      });
      yield { rows, columns };
    }
    rowsBefore += batch.numRows;
  };
}

/**
 * The error for a column whose values are not what its type says: a broken variant, or a time beyond what a Date holds. Columns
 * are read as a whole, so the row is found by reading each alone.
 *
 * @param firstRow the number of the first row of `data`, counted from 0 over all batches
 */
function misfit<T>(
  field: Field,
  firstRow: number,
  data: Data,
  read: ColumnReader<T>,
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
