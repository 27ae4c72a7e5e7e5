/**
 * Lines of JSON, one object a row. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, the values of a window of its rows where a type has no bytes of its own (json-cells.ts), and what lines.ts says.
 */
import type { Schema } from "apache-arrow";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import { fieldNames } from "../values/column-reader.js";
import type { TextValueOptions } from "../values/value-options.js";
import { jsonCells, lineOfJson } from "./json-cells.js";
import { lines } from "./lines.js";

export function ndjsonEncoder({ fields }: Schema, options: TextValueOptions): BatchEncoder {
  const write = lineOfJson(fieldNames(fields));
  const cells = fields.map((field) => jsonCells(field, options));
  return { ...lines(fields, cells, write), finish: () => [] };
}
