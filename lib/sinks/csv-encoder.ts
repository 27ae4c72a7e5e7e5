/**
 * CSV (RFC 4180 with `\n`), by csv-stringify. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, and the text of WINDOW of its rows.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import { SparkStreamError } from "../errors.js";
import type { BatchEncoder } from "./batch-writer.js";
import type { CsvWriterOptions } from "./csv-writer.js";
import { type CsvCell, csvFormat } from "./values/csv-format.js";
import { windowReader } from "./values/windows.js";

/** Rows. */
const WINDOW = 2048;

export async function csvEncoder(schema: Schema, options: CsvWriterOptions): Promise<BatchEncoder> {
  const { delimiter = ",", header = true, nullText, invalidText } = options;
  const { length } = schema.fields;
  if (length === 0) {
    const message =
      "The record batches have no columns, and a CSV file of them would have no rows. Select one at least.";
    throw new SparkStreamError("UNSUPPORTED_TYPE", message);
  }
  const windows = windowReader(schema.fields, csvFormat({ nullText, alone: length === 1, invalidText }), WINDOW);
  // Loaded here, since most streams end in no CSV.
  const { stringify } = await import("csv-stringify/sync");
  // An empty string is quoted, and a null is not.
  const stringifyOptions = { delimiter, quoted_match: /^$/, cast: { object: (cell: object) => cell as never } };
  const text = (records: CsvCell[][]) => stringify(records, stringifyOptions);
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
        const records = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
        yield Buffer.from(text(records));
      }
    },
    finish: once,
  };
}
