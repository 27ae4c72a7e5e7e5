/** csvWriter(): record batches to CSV. In, apache-arrow RecordBatch; out, UTF-8. Memory: see csv-encoder.ts. */
import type { Writable } from "node:stream";
import type { NewEncoder } from "../../arrow/batch-encoder.js";
import { SparkStreamError } from "../../errors.js";
import { checkOptions, flag, isText, type OptionTable } from "../../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "../batch-encoding.js";
import type { BatchWritable } from "../batch-writer.js";
import { type FolderOptions, folderOptions } from "../folder/folder-options.js";
import { type TextValueOptions, textValueOptions } from "../values/value-options.js";
import { type TextCompressionOptions, textCompressionOptions, textWriter } from "./text-writer.js";

/** How CSV is written. */
export interface CsvOptions extends BatchWriterOptions, TextValueOptions {
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

/** Options of `csvWriter()`. */
export interface CsvWriterOptions extends CsvOptions, FolderOptions, TextCompressionOptions {}

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
  checkCsvOptions("csvWriter()", options, csvWriterOptions);
  return textWriter("csvWriter", ".csv", target, options, () => loadCsv(options));
}

/** @internal */
export async function loadCsv(options: CsvOptions): Promise<NewEncoder> {
  const { csvEncoder } = await import("./csv-encoder.js");
  return (schema) => csvEncoder(schema, options);
}

/** @internal */
export const csvOptions: OptionTable<CsvOptions> = {
  delimiter: [
    (delimiter) => isText(delimiter) && /^[^"\r\n]$/u.test(delimiter),
    "one character, but not a quote or a line break",
  ],
  header: flag,
  nullText: [
    (nullText) => isText(nullText) && !/["\r\n]/.test(nullText),
    "a string without a quote or a line break, since it is written without quotes",
  ],
  ...textValueOptions,
  ...batchWriterOptions,
};

const csvWriterOptions: OptionTable<CsvWriterOptions> = { ...csvOptions, ...folderOptions, ...textCompressionOptions };

/** @internal @throws SparkStreamError INVALID_ARGUMENT */
export function checkCsvOptions<O extends CsvOptions>(of: string, options: O, table: OptionTable<O>): void {
  checkOptions(of, options, table);
  const { nullText = "", delimiter = "," } = options;
  if (!nullText.includes(delimiter)) return;
  const message = `Option "nullText" of ${of} must not contain the delimiter ${JSON.stringify(delimiter)}, since it is written without quotes.`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
