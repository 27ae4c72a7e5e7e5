/**
 * ndjsonWriter(): record batches to lines of JSON, one object a row. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, and the text of WINDOW of its rows.
 */
import type { Writable } from "node:stream";
import type { RecordBatch, Schema } from "apache-arrow";
import { type BatchEncoder, type BatchWriterOptions, batchWriter, batchWriterOptions } from "./batch-writer.js";
import { fieldNames } from "./values/column-reader.js";
import { type JsonOptions, jsonFormat, jsonHeads, jsonObject } from "./values/json-format.js";
import { windowReader } from "./values/windows.js";
import { checkChoice, checkNames } from "./writer-options.js";

export interface NdjsonWriterOptions extends BatchWriterOptions, JsonOptions {}

/**
 * A Writable (object mode) that writes the record batches it is given as newline-delimited JSON: an object per row, its
 * fields in the order of the columns, `\n` after each. No row, no line.
 *
 * A path is written beside itself and renamed when complete, as with {@link parquetWriter}. Exact values: what JSON has no
 * number for (a large BIGINT, a DECIMAL, NaN) is a string, binary is base64, times are ISO 8601; docs/types.md has all of it.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED, UNSUPPORTED_TYPE and
 *   SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is no RecordBatch and for two columns of one name.
 */
export function ndjsonWriter(target: string | URL | Writable, options: NdjsonWriterOptions = {}): Writable {
  checkNames(NAME, options, ["decimals", "integers", ...batchWriterOptions]);
  checkChoice(NAME, "decimals", options.decimals, ["string", "number"]);
  checkChoice(NAME, "integers", options.integers, ["auto", "number", "string"]);
  return batchWriter(NAME, target, options, (schema) => ndjsonEncoder(schema, options));
}

const NAME = "ndjsonWriter";
/** Rows. */
const WINDOW = 2048;

function ndjsonEncoder(schema: Schema, options: JsonOptions): BatchEncoder {
  const heads = jsonHeads(fieldNames(schema.fields));
  const windows = windowReader(schema.fields, jsonFormat(options), WINDOW);
  return {
    *batch(batch: RecordBatch) {
      for (const { rows, columns } of windows(batch)) {
        let text = "";
        for (let row = 0; row < rows; row++) text += `${jsonObject(heads, columns, row)}\n`;
        yield Buffer.from(text);
      }
    },
    finish: () => [],
  };
}
