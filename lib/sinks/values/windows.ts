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
  return function* (batch) {
    for (let start = 0; start < batch.numRows; start += rowsPerWindow) {
      const rows = Math.min(rowsPerWindow, batch.numRows - start);
      const columns = readers.map((read, index) => {
        const data = batch.data.children[index]!;
        return readColumn(read, rows === data.length ? data : data.slice(start, rows), fields[index]!);
      });
      yield { rows, columns };
    }
  };
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
