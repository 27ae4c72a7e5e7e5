/**
 * csvLines() and ndjsonLines(): record batches to bytes, for what takes bytes: a compression, a response, a socket. In,
 * apache-arrow RecordBatch, all of one schema; out, UTF-8. Memory: one batch, that of its encoder, and the bytes that the
 * consumer has not taken: its readableHighWaterMark, and one piece.
 */
import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import type { Pieces } from "../../arrow/batch-encoder.js";
import { checkOptions } from "../../runtime/check-options.js";
import { behind, type Composable } from "../../runtime/composable.js";
import { turn, turnIsDue } from "../../runtime/event-loop.js";
import { HeldError, isRead } from "../../runtime/held-error.js";
import { settle } from "../../runtime/settle.js";
import { BatchEncoding } from "../batch-encoding.js";
import { type CsvOptions, checkCsvOptions, csvOptions, loadCsv } from "./csv-writer.js";
import { loadNdjson, type NdjsonOptions, ndjsonOptions } from "./ndjson-writer.js";

/**
 * A Transform from record batches (object mode) to CSV: `pipeline(sparkStream(df), csvLines(), createGzip(), response)`. Options
 * and values are those of {@link csvWriter}.
 *
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: UNSUPPORTED_TYPE (a nested column) and
 *   SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is not a RecordBatch.
 */
export function csvLines(options: CsvOptions = {}): Transform {
  checkCsvOptions("csvLines()", options, csvOptions);
  return new TextLines(new BatchEncoding("csvLines", options, () => loadCsv(options)), options.signal);
}

/**
 * A Transform from record batches (object mode) to lines of JSON: `pipeline(sparkStream(df), ndjsonLines(), response)`. Options
 * and values are those of {@link ndjsonWriter}.
 *
 * @throws SparkStreamError as {@link csvLines}, and INVALID_INPUT for two columns of one name
 */
export function ndjsonLines(options: NdjsonOptions = {}): Transform {
  checkOptions("ndjsonLines()", options, ndjsonOptions);
  return new TextLines(new BatchEncoding("ndjsonLines", options, () => loadNdjson(options)), options.signal);
}

class TextLines extends Transform implements Composable {
  readonly #encoding: BatchEncoding;
  readonly #held = new HeldError(this, () => isRead(this) || this.writableLength > 0 || this.writableEnded);
  /** Called when the consumer wants more. */
  #wake: (() => void) | undefined;

  constructor(encoding: BatchEncoding, signal: AbortSignal | undefined) {
    super({ writableObjectMode: true, writableHighWaterMark: 1 });
    this.#encoding = encoding;
    if (signal) this.#held.failOnAbort(signal, (error) => this.#held.fail(error));
  }

  override _construct(callback: (error?: Error) => void): void {
    this.#encoding.open().then(() => callback(), callback);
  }

  override _transform(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    const give = async () => {
      const pieces = this.#encoding.batch(chunk);
      await this.#give(pieces instanceof Promise ? await pieces : pieces);
    };
    settle(give(), callback);
  }

  override _flush(callback: TransformCallback): void {
    const give = async () => await this.#give(await this.#encoding.finish());
    settle(give(), callback);
  }

  async #give(pieces: Pieces): Promise<void> {
    for await (const bytes of pieces) {
      if (this.destroyed) return;
      if (bytes && bytes.length > 0 && !this.push(bytes)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (turnIsDue()) await turn();
    }
  }

  override _read(size: number): void {
    this.#wake?.();
    this.#wake = undefined;
    super._read(size);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#wake?.();
    this.#held.release(error);
    callback(error);
  }

  [behind](source: Readable): this {
    pipeline(source, this, () => {}); // whoever reads the bytes gets the error
    return this;
  }
}
