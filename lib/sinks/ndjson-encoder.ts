/**
 * Lines of JSON, one object a row. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, and the text of WINDOW of its rows.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder } from "./batch-writer.js";
import { fieldNames } from "./values/column-reader.js";
import { type JsonOptions, jsonFormat, jsonHeads, jsonObject } from "./values/json-format.js";
import { windowReader } from "./values/windows.js";

/** Rows. */
const WINDOW = 2048;

export function ndjsonEncoder(schema: Schema, options: JsonOptions): BatchEncoder {
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
