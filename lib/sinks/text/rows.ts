/**
 * rows(): record batches to plain objects. In, apache-arrow RecordBatch, all of one schema; out, an object per row.
 *
 * Memory: one batch, the values of a window of its rows (row-reader.ts), and the objects that the consumer has not taken,
 * READ_AHEAD and CHUNK at most.
 */
import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import { SparkStreamError } from "../../errors.js";
import { abortSignal, checkOptions, flag, type OptionTable, oneOf } from "../../runtime/check-options.js";
import { behind, type Composable } from "../../runtime/composable.js";
import { afterTurn, Pace } from "../../runtime/event-loop.js";
import { HeldError, isRead } from "../../runtime/held-error.js";
import type { ValueOptions } from "../values/value-options.js";
import { RowIterator } from "./row-iterator.js";
import type { BatchReader, RowObjects } from "./row-reader.js";

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
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: INVALID_INPUT for a chunk that is not a
 *   RecordBatch and for two columns of one name, UNSUPPORTED_TYPE and SCHEMA_MISMATCH naming the column.
 */
export function rows(options: RowsOptions = {}): Transform {
  checkOptions("rows()", options, rowsOptions);
  checkValueOptions("rows()", options);
  return new Rows(options);
}

const NAME = "rows";

const valueOptions: OptionTable<ValueOptions> = {
  decimals: oneOf("string", "number"),
  timestamps: oneOf("string", "date", "bigint"),
  binary: oneOf("bytes", "base64", "hex"),
  invalidText: oneOf("error", "replace"),
  json: flag,
  integers: oneOf("auto", "number", "string"),
};

/** @throws SparkStreamError INVALID_ARGUMENT */
function checkValueOptions(of: string, options: ValueOptions): void {
  const { json = false, timestamps, binary, integers } = options;
  if (json && timestamps === "date")
    throw needs(of, "timestamps", 'a text or a number with json: "string" or "bigint"');
  if (json && binary === "bytes") throw needs(of, "binary", 'a text with json: "base64" or "hex"');
  if (!json && integers !== undefined) throw needs(of, "integers", "json: true");
}

function needs(of: string, option: string, what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `Option ${JSON.stringify(option)} of ${of} needs ${what}.`);
}

/** The options of the values, without those of the stream. */
export const valueOptionNames: readonly string[] = Object.keys(valueOptions);

/** Checks the options of the values alone. @throws SparkStreamError INVALID_ARGUMENT */
export function checkValues(of: string, options: ValueOptions): void {
  checkOptions(of, options, valueOptions);
  checkValueOptions(of, options);
}

const rowsOptions: OptionTable<RowsOptions> = { ...valueOptions, signal: abortSignal };

/** Rows that may wait to be taken; core's streams give all of them to a consumer in one turn of the event loop. */
const READ_AHEAD = 16;
/** Rows that are made as soon as there is room for one. */
const CHUNK = 16;

class Rows extends Transform implements Composable {
  readonly #options: ValueOptions;
  readonly #pace = new Pace();
  #read!: BatchReader;
  // The batch under way.
  #windows!: Iterator<RowObjects | undefined>;
  #window!: RowObjects;
  /** Rows of the window: how many were pushed, of how many. */
  #pushed = 0;
  #rows = 0;
  #done!: TransformCallback;
  /** Whether the consumer had enough. */
  #paused = false;
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
      this.#windows = this.#read(chunk);
    } catch (error) {
      callback(error as Error);
      return;
    }
    this.#done = callback;
    this.#give();
  }

  /** Pushes rows of the batch until the consumer has enough or the event loop should turn. */
  #give(): void {
    if (this.destroyed) return;
    let failure: Error | undefined;
    try {
      for (;;) {
        if (this.#pace.isDue()) {
          afterTurn(() => this.#give());
          return;
        }
        if (this.#pushed === this.#rows) {
          const { done, value } = this.#windows.next();
          if (done) break;
          if (!value) continue; // a turn is due
          this.#window = value;
          this.#rows = value.rows;
          this.#pushed = 0;
        }
        if (this.#pushSome()) continue;
        this.#paused = true;
        return;
      }
    } catch (error) {
      failure = error as Error;
    }
    this.#done(failure);
  }

  /** Pushes CHUNK rows of the window, or all that are left. Returns whether there is room for more. */
  #pushSome(): boolean {
    const window = this.#window;
    const end = Math.min(this.#pushed + CHUNK, this.#rows);
    let hasRoom = true;
    for (let row = this.#pushed; row < end; row++) hasRoom = this.push(window.rowOf(row));
    this.#pushed = end;
    return hasRoom;
  }

  override _read(size: number): void {
    if (this.#paused) {
      this.#paused = false;
      this.#give();
    }
    super._read(size); // for the next batch, if that one had no more rows
  }

  [behind](source: Readable): this {
    pipeline(source, this, () => {}); // whoever reads the rows gets the error
    return this;
  }

  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Record<string, unknown>> {
    return new RowIterator(this);
  }
}
