/** Record batches to plain objects, window by window. */
import type { Field, RecordBatch } from "apache-arrow";
import { checkColumns, checkRecordBatch, columnsOf } from "../../arrow/batch-check.js";
import { fieldNames } from "../values/column-reader.js";
import { textCheck } from "../values/invalid-text.js";
import { jsFormat } from "../values/js-format.js";
import { jsonFormat, jsonHeads, jsonObject } from "../values/json-format.js";
import { rowBuilder } from "../values/row-builder.js";
import { windowReader } from "../values/row-windows.js";
import type { TextValueOptions, ValueOptions } from "../values/value-options.js";

type TextCheck = ReturnType<typeof textCheck>;

/** Rows. */
const WINDOW = 1024;

/** Some rows, each of which becomes an object when it is asked for. */
export interface RowObjects {
  readonly rows: number;
  rowOf(row: number): Record<string, unknown>;
}

/**
 * The rows of a chunk that must be a record batch, with the columns of those before it. Yields undefined in the midst of
 * its work if the event loop should turn.
 *
 * @throws SparkStreamError INVALID_INPUT, SCHEMA_MISMATCH or UNSUPPORTED_TYPE
 */
export type BatchReader = (chunk: unknown) => Generator<RowObjects | undefined>;

/** @param sink named in errors */
export function batchReader(sink: string, options: ValueOptions): BatchReader {
  let expected: readonly Field[] = [];
  let read: ((batch: RecordBatch) => Generator<RowObjects | undefined>) | undefined;
  return (chunk) => {
    const batch = checkRecordBatch(chunk, sink);
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
  if (options.json) return jsonObjects(fields, options, checkText);
  const build = rowBuilder(fieldNames(fields));
  const windows = windowReader(fields, jsFormat(options), WINDOW);
  return function* (batch: RecordBatch) {
    for (const window of windows(checkText?.(batch) ?? batch)) {
      yield window && { rows: window.rows, rowOf: build(window.columns) };
    }
  };
}

/** By way of their JSON, so that they are what a reader of NDJSON gets. */
function jsonObjects(fields: readonly Field[], options: ValueOptions, checkText: TextCheck) {
  const heads = jsonHeads(fieldNames(fields));
  // rows() has refused those of its options that JSON has no value for.
  const windows = windowReader(fields, jsonFormat(options as TextValueOptions), WINDOW);
  return function* (batch: RecordBatch) {
    for (const window of windows(checkText?.(batch) ?? batch)) {
      yield window && {
        rows: window.rows,
        rowOf: (row: number) => JSON.parse(jsonObject(heads, window.columns, row)) as Record<string, unknown>,
      };
    }
  };
}
