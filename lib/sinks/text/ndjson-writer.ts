/** ndjsonWriter(): record batches to lines of JSON. In, apache-arrow RecordBatch; out, UTF-8. Memory: see ndjson-encoder.ts. */
import type { Writable } from "node:stream";
import type { NewEncoder } from "../../arrow/batch-encoder.js";
import { checkOptions, type OptionTable } from "../../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "../batch-encoding.js";
import type { BatchWritable } from "../batch-writer.js";
import { type FolderOptions, folderOptions } from "../folder/folder-options.js";
import { type TextValueOptions, textValueOptions } from "../values/value-options.js";
import { type TextCompressionOptions, textCompressionOptions, textWriter } from "./text-writer.js";

/** How lines of JSON are written. */
export interface NdjsonOptions extends BatchWriterOptions, TextValueOptions {}

/** Options of `ndjsonWriter()`. */
export interface NdjsonWriterOptions extends NdjsonOptions, FolderOptions, TextCompressionOptions {}

/**
 * A Writable (object mode) that writes the record batches it is given as newline-delimited JSON: an object per row, its
 * fields in the order of the columns, `\n` after each. No row, no line.
 *
 * A path is written beside itself and renamed when complete, as with {@link parquetWriter}. Exact values: what JSON has no
 * number for (a large BIGINT, a DECIMAL, NaN) is a string, binary is base64, times are ISO 8601; docs/types.md has all of it.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED, TARGET_CLOSED, UNSUPPORTED_TYPE and
 *   SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is not a RecordBatch and for two columns of one name.
 */
export function ndjsonWriter(target: string | URL | Writable, options: NdjsonWriterOptions = {}): BatchWritable {
  checkOptions("ndjsonWriter()", options, ndjsonWriterOptions);
  return textWriter("ndjsonWriter", ".ndjson", target, options, () => loadNdjson(options));
}

/** @internal */
export async function loadNdjson(options: NdjsonOptions): Promise<NewEncoder> {
  const { ndjsonEncoder } = await import("./ndjson-encoder.js");
  return (schema) => ndjsonEncoder(schema, options);
}

/** @internal */
export const ndjsonOptions: OptionTable<NdjsonOptions> = {
  ...textValueOptions,
  ...batchWriterOptions,
};

const ndjsonWriterOptions: OptionTable<NdjsonWriterOptions> = {
  ...ndjsonOptions,
  ...folderOptions,
  ...textCompressionOptions,
};
