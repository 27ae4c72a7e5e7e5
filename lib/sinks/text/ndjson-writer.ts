/** ndjsonWriter(): record batches to lines of JSON. In, apache-arrow RecordBatch; out, UTF-8. Memory: see ndjson-encoder.ts. */
import type { Writable } from "node:stream";
import { checkOptions, type OptionTable, oneOf } from "../../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "../batch-encoding.js";
import { type BatchWritable, batchWriter } from "../batch-writer.js";
import type { JsonOptions } from "../values/json-format.js";

export interface NdjsonWriterOptions extends BatchWriterOptions, JsonOptions {}

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
  checkOptions("ndjsonWriter()", options, ndjsonOptions);
  return batchWriter(NAME, target, options, async () => {
    const { ndjsonEncoder } = await import("./ndjson-encoder.js");
    return (schema) => ndjsonEncoder(schema, options);
  });
}

const NAME = "ndjsonWriter";

const ndjsonOptions: OptionTable<NdjsonWriterOptions> = {
  decimals: oneOf("string", "number"),
  integers: oneOf("auto", "number", "string"),
  ...batchWriterOptions,
};
