/**
 * csvWriter(): record batches to CSV (RFC 4180 with `\n`), by csv-stringify. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, and the text of WINDOW of its rows.
 */
import type { Writable } from "node:stream";
import type { RecordBatch, Schema } from "apache-arrow";
import { type BatchEncoder, type BatchWriterOptions, batchWriter, batchWriterOptions } from "./batch-writer.js";
import { csvFormat } from "./values/csv-format.js";
import { windowReader } from "./values/windows.js";
import { checkNames, invalidOption } from "./writer-options.js";

export interface CsvWriterOptions extends BatchWriterOptions {
  /** One character. Default: a comma. */
  delimiter?: string;
  /** Whether the names of the columns come first. Default: true. */
  header?: boolean;
  /** The text of a null. Default: nothing, not even quotes; an empty string is `""`. */
  nullText?: string;
}

/**
 * A Writable (object mode) that writes the record batches it is given as CSV.
 *
 * A path is written beside itself and renamed when complete, as with {@link parquetWriter}. Values are exact, as text;
 * docs/types.md has how. A nested column has no text in CSV and is refused; `to_json(column)` in the query makes one.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED, UNSUPPORTED_TYPE (a nested
 *   column) and SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is no RecordBatch.
 */
export function csvWriter(target: string | URL | Writable, options: CsvWriterOptions = {}): Writable {
  checkOptions(options);
  return batchWriter(NAME, target, options, (schema) => csvEncoder(schema, options));
}

const NAME = "csvWriter";
/** Rows. */
const WINDOW = 2048;

async function csvEncoder(schema: Schema, options: CsvWriterOptions): Promise<BatchEncoder> {
  const { delimiter = ",", header = true, nullText } = options;
  const windows = windowReader(schema.fields, csvFormat(nullText), WINDOW);
  // Loaded here, since most streams end in no CSV.
  const { stringify } = await import("csv-stringify/sync");
  // An empty string is quoted, and a null is not.
  const text = (records: unknown[][]) => stringify(records, { delimiter, quoted_match: /^$/ });
  const names = schema.fields.map(({ name }) => name);
  let head = header ? Buffer.from(text([names])) : undefined;

  function* once(): Generator<Uint8Array> {
    if (head) yield head;
    head = undefined;
  }
  return {
    *batch(batch: RecordBatch) {
      yield* once();
      for (const { rows, columns } of windows(batch)) {
        const records = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]));
        yield Buffer.from(text(records));
      }
    },
    finish: once,
  };
}

function checkOptions(options: CsvWriterOptions): void {
  checkNames(NAME, options, ["delimiter", "header", "nullText", ...batchWriterOptions]);
  const { delimiter, header, nullText } = options;
  if (delimiter !== undefined && !(typeof delimiter === "string" && /^[^"\r\n]$/u.test(delimiter))) {
    throw invalidOption(NAME, "delimiter must be one character, and neither a quote nor a line break");
  }
  if (header !== undefined && typeof header !== "boolean") throw invalidOption(NAME, "header must be true or false");
  if (nullText !== undefined && typeof nullText !== "string") throw invalidOption(NAME, "nullText must be a string");
}
