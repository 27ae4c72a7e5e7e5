/** Record batches to plain objects, window by window. */
import type { Field, RecordBatch } from "apache-arrow";
import { checkColumns, columnsOf, recordBatch } from "./record-batch.js";
import { fieldNames } from "./values/column-reader.js";
import { textCheck } from "./values/invalid-text.js";
import { jsFormat, type ValueOptions } from "./values/js-format.js";
import { rowBuilder } from "./values/row-builder.js";
import { windowReader } from "./values/windows.js";

/** Rows. */
const WINDOW = 1024;

/**
 * The rows of a chunk that must be a record batch, with the columns of those before it.
 *
 * @throws SparkStreamError INVALID_INPUT, SCHEMA_MISMATCH or UNSUPPORTED_TYPE
 */
export type BatchReader = (chunk: unknown) => Generator<Record<string, unknown>[]>;

/** @param sink named in errors */
export function batchReader(sink: string, options: ValueOptions): BatchReader {
  let expected: readonly Field[] = [];
  let read: ((batch: RecordBatch) => Generator<Record<string, unknown>[]>) | undefined;
  return (chunk) => {
    const batch = recordBatch(chunk, sink);
    const fields = columnsOf(batch);
    if (!read) {
      read = objectsOf(fields, options);
      expected = fields;
    }
    checkColumns(expected, fields);
    return read(batch);
  };
}

function objectsOf(fields: readonly Field[], options: ValueOptions) {
  const checkText = textCheck(fields, options.invalidText);
  const build = rowBuilder(fieldNames(fields));
  const windows = windowReader(fields, jsFormat(options), WINDOW);
  return function* (batch: RecordBatch) {
    for (const { rows, columns } of windows(checkText?.(batch) ?? batch)) {
      const rowOf = build(columns);
      const objects: Record<string, unknown>[] = new Array(rows);
      for (let row = 0; row < rows; row++) objects[row] = rowOf(row);
      yield objects;
    }
  };
}
