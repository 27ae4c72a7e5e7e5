/** csvWriter(): record batches to CSV. In, apache-arrow RecordBatch; out, UTF-8. Memory: see csv-encoder.ts. */
import type { Writable } from "node:stream";
import { SparkStreamError } from "../../errors.js";
import { checkOptions, flag, isText, type OptionTable } from "../../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "../batch-encoding.js";
import { type BatchWritable, batchWriter } from "../batch-writer.js";

export interface CsvWriterOptions extends BatchWriterOptions {
  /** One character. Default: a comma. */
  delimiter?: string;
  /** Whether the names of the columns come first. Default: true. */
  header?: boolean;
  /**
   * The text of a null, which is not quoted; a value of the same text is. Default: nothing, and an empty string is `""`. With
   * one column both are `""`, since readers skip an empty line: give a text, such as `\\N`, to distinguish them.
   */
  nullText?: string;
}

/**
 * A Writable (object mode) that writes the record batches it is given as CSV.
 *
 * A path is written beside itself and renamed when complete, as with {@link parquetWriter}. Values are exact, as text;
 * docs/types.md has how. A nested column has no text in CSV and is refused; `to_json(column)` in the query makes one.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED, TARGET_CLOSED, UNSUPPORTED_TYPE (a nested
 *   column) and SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is not a RecordBatch.
 */
export function csvWriter(target: string | URL | Writable, options: CsvWriterOptions = {}): BatchWritable {
  checkCsvOptions(options);
  return batchWriter(NAME, target, options, async () => {
    const { csvEncoder } = await import("./csv-encoder.js");
    return (schema) => csvEncoder(schema, options);
  });
}

const NAME = "csvWriter";

const csvOptions: OptionTable<CsvWriterOptions> = {
  delimiter: [
    (delimiter) => isText(delimiter) && /^[^"\r\n]$/u.test(delimiter),
    "one character, but not a quote or a line break",
  ],
  header: flag,
  nullText: [
    (nullText) => isText(nullText) && !/["\r\n]/.test(nullText),
    "a string without a quote or a line break, since it is written without quotes",
  ],
  ...batchWriterOptions,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
function checkCsvOptions(options: CsvWriterOptions): void {
  checkOptions("csvWriter()", options, csvOptions);
  const { nullText = "", delimiter = "," } = options;
  if (!nullText.includes(delimiter)) return;
  const message = `Option "nullText" of csvWriter() must not contain the delimiter ${JSON.stringify(delimiter)}, since it is written without quotes.`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
