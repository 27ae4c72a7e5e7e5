/**
 * rows(): record batches to plain objects. In, apache-arrow RecordBatch, all of one schema; out, an object per row.
 *
 * Memory: one batch, the objects of a window of its rows (row-reader.ts), and those that the consumer has not taken: about as many.
 */
import { addAbortSignal, Transform, type TransformCallback } from "node:stream";
import type { BatchReader } from "./row-reader.js";
import type { ValueOptions } from "./values/js-format.js";
import { checkChoice, checkNames } from "./writer-options.js";

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
  checkNames(NAME, options, ["decimals", "timestamps", "invalidText", "signal"]);
  checkChoice(NAME, "decimals", options.decimals, ["string", "number"]);
  checkChoice(NAME, "timestamps", options.timestamps, ["string", "date", "bigint"]);
  checkChoice(NAME, "invalidText", options.invalidText, ["error", "replace"]);
  const transform = new Rows(options);
  if (options.signal) addAbortSignal(options.signal, transform);
  return transform;
}

const NAME = "rows";
/** Rows that may wait to be taken. */
const READ_AHEAD = 1024;

class Rows extends Transform {
  readonly #options: ValueOptions;
  #read!: BatchReader;
  /** Goes on with the batch, where the consumer had enough. */
  #resume: (() => void) | undefined;

  constructor(options: ValueOptions) {
    super({
      readableObjectMode: true,
      readableHighWaterMark: READ_AHEAD,
      writableObjectMode: true,
      writableHighWaterMark: 1,
    });
    this.#options = options;
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
