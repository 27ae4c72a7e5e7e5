/**
 * Lines of JSON, one object a row. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, the values of a window of its rows (values/row-windows.ts), and text of PIECE and a row.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import { Pace } from "../../runtime/event-loop.js";
import { fieldNames } from "../values/column-reader.js";
import { jsonFormat, jsonHeads, jsonObject } from "../values/json-format.js";
import { windowReader } from "../values/row-windows.js";
import type { TextValueOptions } from "../values/value-options.js";

/** Rows. */
const WINDOW = 2048;
/** Characters of a piece of text at the least, but for the last of a batch. */
const PIECE = 256 * 1024;

export function ndjsonEncoder(schema: Schema, options: TextValueOptions): BatchEncoder {
  const heads = jsonHeads(fieldNames(schema.fields));
  const windows = windowReader(schema.fields, jsonFormat(options), WINDOW);
  const pace = new Pace();
  return {
    *batch(batch: RecordBatch) {
      let text = "";
      for (const window of windows(batch)) {
        const { rows, columns } = window ?? { rows: 0, columns: [] };
        for (let row = 0; row < rows; row++) {
          text += `${jsonObject(heads, columns, row)}\n`;
          if (text.length >= PIECE) {
            yield Buffer.from(text);
            text = "";
          }
          if (row % 16 === 0 && pace.isDue()) yield undefined;
        }
        if (!window) yield undefined;
      }
      if (text !== "") yield Buffer.from(text);
    },
    finish: () => [],
  };
}
