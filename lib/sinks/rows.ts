/**
 * rows(): record batches to plain objects. In, apache-arrow RecordBatch, all of one schema; out, an object per row.
 *
 * Memory: one batch, the objects of a window of its rows (row-reader.ts), and those that the consumer has not taken: about as many.
 */
import { Transform, type TransformCallback } from "node:stream";
import { HeldError, isRead } from "../held-error.js";
import { abortSignal, checkOptions, type OptionTable, oneOf } from "../options.js";
import type { BatchReader } from "./row-reader.js";
import type { ValueOptions } from "./values/js-format.js";

export interface RowsOptions extends ValueOptions {
  /** Destroys the stream with an AbortError. */
  signal?: AbortSignal;
}

/**
 * A Transform (object mode) from record batches to plain objects with exact values: BIGINT is a bigint, DECIMAL the string
 * of its digits, times are ISO 8601 text with all their digits, BINARY is a Uint8Array (a view of the batch), ARRAY an
 * array, STRUCT an object, MAP a Map, VARIANT its JSON text. docs/types.md has all of them.
 *
 * Texts of one column and batch may share memory: whoever keeps a few of many rows for long should copy them.
 *
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: INVALID_INPUT for a chunk that is no
 *   RecordBatch and for two columns of one name, UNSUPPORTED_TYPE and SCHEMA_MISMATCH naming the column.
 */
export function rows(options: RowsOptions = {}): Transform {
  checkOptions("rows()", options, rowsOptions);
  return new Rows(options);
}

const NAME = "rows";

const rowsOptions: OptionTable<RowsOptions> = {
  decimals: oneOf("string", "number"),
  timestamps: oneOf("string", "date", "bigint"),
  invalidText: oneOf("error", "replace"),
  signal: abortSignal,
};

/** Rows that may wait to be taken. */
const READ_AHEAD = 1024;

class Rows extends Transform {
  readonly #options: ValueOptions;
  #read!: BatchReader;
  /** Goes on with the batch, where the consumer had enough. */
  #resume: (() => void) | undefined;
  readonly #held = new HeldError(this, () => isRead(this) || this.writableLength > 0 || this.writableEnded);

  constructor({ signal, ...options }: RowsOptions) {
    super({
      readableObjectMode: true,
      readableHighWaterMark: READ_AHEAD,
      writableObjectMode: true,
      writableHighWaterMark: 1,
    });
    this.#options = options;
    if (signal) this.#held.failOnAbort(signal, (error) => this.#held.fail(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#held.release(error);
    callback(error);
  }

  override _construct(callback: (error?: Error) => void): void {
    // Loaded here, and not with this package, for apache-arrow's sake: it takes long to load.
    import("./row-reader.js").then(({ batchReader }) => {
      this.#read = batchReader(NAME, this.#options);
      callback();
    }, callback);
  }

  override _transform(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      this.#give(this.#read(chunk), callback);
    } catch (error) {
      callback(error as Error);
    }
  }

  #give(windows: Generator<Record<string, unknown>[]>, callback: TransformCallback): void {
    let failure: Error | undefined;
    try {
      for (let next = windows.next(); !next.done; next = windows.next()) {
        let wanted = true;
        for (const row of next.value) wanted = this.push(row);
        if (wanted) continue;
        this.#resume = () => this.#give(windows, callback);
        return;
      }
    } catch (error) {
      failure = error as Error;
    }
    callback(failure);
  }

  override _read(size: number): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
    super._read(size); // for the next batch, where that one had no more rows
  }
}
