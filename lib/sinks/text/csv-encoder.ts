/**
 * CSV (RFC 4180 with `\n`), by csv-stringify. In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, the values of a window of its rows (values/row-windows.ts), and text of PIECE and a few records.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import type { Options } from "csv-stringify/sync";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import { SparkStreamError } from "../../errors.js";
import { turnIsDue } from "../../runtime/event-loop.js";
import { type CsvCell, csvFormat } from "../values/csv-format.js";
import { type RowWindow, windowReader } from "../values/row-windows.js";
import type { CsvWriterOptions } from "./csv-writer.js";

/** Rows. */
const WINDOW = 2048;
/** Characters of a piece of text at the least, but for the last of a batch. */
const PIECE = 256 * 1024;
/** Cells, and 64 characters of each, that csv-stringify gets at a time. */
const CELLS = 4096;

export async function csvEncoder(schema: Schema, options: CsvWriterOptions): Promise<BatchEncoder> {
  const { delimiter = ",", header = true, nullText, binary = "base64", timestamps = "string", invalidText } = options;
  const { length } = schema.fields;
  if (length === 0) {
    const message =
      "The record batches have no columns, and a CSV file of them would have no rows. Select at least one column.";
    throw new SparkStreamError("UNSUPPORTED_TYPE", message);
  }
  const windows = windowReader(
    schema.fields,
    csvFormat({ nullText, alone: length === 1, binary, timestamps, ...(invalidText && { invalidText }) }),
    WINDOW,
  );
  // Loaded here, since most streams end in no CSV.
  const { stringify } = await import("csv-stringify/sync");
  const stringifyOptions: Options = {
    delimiter,
    // record_delimiter is left out: it is "\n" then, and only then a cell with "\r" is quoted.
    quote: '"',
    escape: '"',
    quoted_match: /^$/, // an empty string is quoted; an empty cell, which is a null, is not
    escape_formulas: false, // a cell that begins with =, +, - or @ stays as it is
    bom: false,
    cast: { object: (cell) => cell as { value: string; quoted: true } },
  };
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
      let piece = "";
      for (const window of windows(batch)) {
        for (const records of window ? recordsOf(window) : []) {
          piece += text(records);
          if (piece.length >= PIECE) {
            yield Buffer.from(piece);
            piece = "";
          }
          if (turnIsDue()) yield undefined;
        }
        if (!window) yield undefined;
      }
      if (piece !== "") yield Buffer.from(piece);
    },
    finish: once,
  };
}

/** The records of a window, as many at a time as do not take long. */
function* recordsOf({ rows, columns }: RowWindow<CsvCell>): Generator<CsvCell[][]> {
  let records: CsvCell[][] = [];
  let cells = 0;
  for (let row = 0; row < rows; row++) {
    const record = columns.map((column) => column[row]!);
    records.push(record);
    for (const cell of record) cells += 1 + (typeof cell === "string" ? cell.length : 0) / 64;
    if (cells < CELLS) continue;
    yield records;
    records = [];
    cells = 0;
  }
  if (records.length > 0) yield records;
}
