/**
 * CSV (RFC 4180 with `\n`). In, apache-arrow RecordBatch; out, UTF-8.
 *
 * Memory: one batch, the values of a window of its rows where a type has no bytes of its own (csv-cells.ts), and what lines.ts says.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import { SparkStreamError } from "../../errors.js";
import { CsvCells } from "./csv-cells.js";
import type { CsvWriterOptions } from "./csv-writer.js";
import { lines, type WriteLine } from "./lines.js";
import { TextBuffer } from "./text-buffer.js";

const newline = Buffer.from("\n");

export function csvEncoder(schema: Schema, options: CsvWriterOptions): BatchEncoder {
  const { delimiter = ",", header = true, nullText, binary = "base64", timestamps = "string", invalidText } = options;
  const { fields } = schema;
  if (fields.length === 0) {
    const message =
      "The record batches have no columns, and a CSV file of them would have no rows. Select at least one column.";
    throw new SparkStreamError("UNSUPPORTED_TYPE", message);
  }
  const alone = fields.length === 1;
  const cells = new CsvCells({ delimiter, nullText, alone, binary, timestamps, ...(invalidText && { invalidText }) });
  const separator = Buffer.from(delimiter);
  const write: WriteLine = (out, columns, row) => {
    for (let index = 0; index < columns.length; index++) {
      if (index > 0) out.raw(separator);
      columns[index]!(out, row);
    }
    out.raw(newline);
  };
  const encoded = lines(
    fields,
    fields.map((field) => cells.of(field)),
    write,
  );
  const names = fields.map(
    ({ name }) =>
      (out: TextBuffer) =>
        cells.text(out, name),
  );
  let head = header;

  function* once(): Generator<Uint8Array> {
    if (!head) return;
    head = false;
    const out = new TextBuffer();
    write(out, names, 0);
    yield out.take();
  }
  return {
    *batch(batch: RecordBatch) {
      yield* once();
      yield* encoded.batch(batch);
    },
    finish: once,
    written: encoded.written,
  };
}
