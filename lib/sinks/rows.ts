/**
 * rows(): record batches to plain objects. In, apache-arrow RecordBatch, all of one schema; out, an object per row.
 *
 * Memory: one batch, the objects of WINDOW of its rows, and those that the consumer has not taken: about as many.
 */
import { addAbortSignal, Transform, type TransformCallback } from "node:stream";
import type { Field, RecordBatch } from "apache-arrow";
import { checkColumns, columnsOf, recordBatch } from "./record-batch.js";
import { fieldNames } from "./values/column-reader.js";
import { jsFormat, type ValueOptions } from "./values/js-format.js";
import { rowBuilder } from "./values/row-builder.js";
import { windowReader } from "./values/windows.js";
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
  checkNames(NAME, options, ["decimals", "timestamps", "signal"]);
  checkChoice(NAME, "decimals", options.decimals, ["string", "number"]);
  checkChoice(NAME, "timestamps", options.timestamps, ["string", "date", "bigint"]);
  const transform = new Rows(options);
  if (options.signal) addAbortSignal(options.signal, transform);
  return transform;
}

const NAME = "rows";
/** Rows. */
const WINDOW = 1024;

type BatchReader = (batch: RecordBatch) => Generator<Record<string, unknown>[]>;

class Rows extends Transform {
  readonly #options: ValueOptions;
  #fields: readonly Field[] = [];
  #read: BatchReader | undefined;
  /** Goes on with the batch, where the consumer had enough. */
  #resume: (() => void) | undefined;

  constructor(options: ValueOptions) {
    super({
      readableObjectMode: true,
      readableHighWaterMark: WINDOW,
      writableObjectMode: true,
      writableHighWaterMark: 1,
    });
    this.#options = options;
  }

  override _transform(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      const batch = recordBatch(chunk, NAME);
      const fields = columnsOf(batch);
      if (!this.#read) {
        this.#read = batchReader(fields, this.#options);
        this.#fields = fields;
      }
      checkColumns(this.#fields, fields);
      this.#give(this.#read(batch), callback);
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

function batchReader(fields: readonly Field[], options: ValueOptions): BatchReader {
  const build = rowBuilder(fieldNames(fields));
  const windows = windowReader(fields, jsFormat(options), WINDOW);
  return function* (batch) {
    for (const { rows, columns } of windows(batch)) {
      const rowOf = build(columns);
      const objects: Record<string, unknown>[] = new Array(rows);
      for (let row = 0; row < rows; row++) objects[row] = rowOf(row);
      yield objects;
    }
  };
}
