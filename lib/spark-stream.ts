/**
 * sparkStream(): assembles the chain (row source → IPC decoder → batch sink, on streamx) and puts one core Readable around
 * it, which is all a user sees.
 *
 * Memory: the chain holds at most `readAheadBytes` of Arrow data and one row; a batch counts until the consumer has taken
 * it. Beyond that come what the transport has in flight (see connect/channel.ts) and what the consumer keeps.
 */
import { addAbortSignal, Readable } from "node:stream";
import type { RecordBatch, Schema } from "apache-arrow";
import { pipeline } from "streamx";
import { batchSink } from "./chain/batch-sink.js";
import { ByteBudget } from "./chain/byte-budget.js";
import { inputRows, type RowInput } from "./chain/input-rows.js";
import { ipcDecoder } from "./chain/ipc-decoder.js";
import { type RowCursor, rowSource } from "./chain/row-source.js";
import { DataFrame } from "./connect/dataframe.js";
import { resultRows } from "./delivery/result.js";
import { SparkStreamError } from "./errors.js";

export interface SparkStreamOptions {
  /** Destroys the stream with an AbortError and cancels the query on the server. */
  signal?: AbortSignal;
  /** Bytes of Arrow data that may be read ahead of the consumer. Default: 16 MiB. */
  readAheadBytes?: number;
  /** Rows per batch at most; default: the server's `spark.sql.execution.arrow.maxRecordsPerBatch`, which is 10,000. */
  maxRecordsPerBatch?: number;
  /** The codec that Spark (4.1 or later) compresses batches with; default: the session's, which is "none". */
  compression?: "none" | "zstd";
  /** What `session.interruptTag()` finds the query by. No tag is empty or has a comma. */
  tags?: readonly string[];
}

const DEFAULT_READ_AHEAD = 16 * 1024 * 1024;

/**
 * A DataFrame, or rows of SPARK-54337's shape, as a Readable of record batches.
 *
 * The query starts at once and stops when the stream is destroyed. At least one batch comes out, of 0 rows for an empty
 * result, so that a sink always learns the schema.
 *
 * @throws SparkStreamError INVALID_ARGUMENT, INVALID_INPUT or SESSION_CLOSED, at the call. Everything later is an error of
 *   the stream.
 */
export function sparkStream(source: DataFrame | RowInput, options: SparkStreamOptions = {}): SparkStream {
  const { signal, readAheadBytes = DEFAULT_READ_AHEAD, ...queryOptions } = checkOptions(options);
  const rows = source instanceof DataFrame ? resultRows(source, queryOptions) : inputRows(source);
  const stream = new SparkStream(rows, readAheadBytes);
  if (signal) addAbortSignal(signal, stream);
  return stream;
}

/** The Readable that {@link sparkStream} returns: objectMode, of apache-arrow RecordBatch. */
export class SparkStream extends Readable {
  /**
   * The schema, known before the first batch, and for an empty result too. Rejects with the stream's error if that comes
   * first.
   */
  readonly schema: Promise<Schema>;
  #resolveSchema!: (schema: Schema) => void;
  #rejectSchema!: (error: Error) => void;
  /** Whether a consumer has come: nothing is handed on before. */
  #begun = false;
  #wanted = false;
  #onWanted: (() => void) | undefined;
  readonly #closed: Promise<void>;
  readonly #destroyChain: () => void;

  /** @internal Use {@link sparkStream}. */
  constructor(rows: RowCursor, readAheadBytes: number) {
    super({ objectMode: true, highWaterMark: 1 });
    this.schema = new Promise((resolve, reject) => {
      this.#resolveSchema = resolve;
      this.#rejectSchema = reject;
    });
    this.schema.catch(() => {}); // whoever asks for it gets the error; whoever does not, gets it from the stream

    let schema: Schema | undefined;
    const budget = new ByteBudget(readAheadBytes);
    const source = rowSource(rows, budget);
    const decoder = ipcDecoder((known) => {
      schema = known;
      this.#resolveSchema(known);
    });
    const sink = batchSink({
      deliver: (batch) => this.#deliver(batch),
      onRowDone: (row) => budget.release(row.arrow_ipc_bytes.length),
      schema: () => schema,
    });

    this.#closed = new Promise((resolve) => source.once("close", resolve));
    this.#destroyChain = () => {
      for (const stage of [source, decoder, sink]) stage.destroy();
    };
    pipeline(source, decoder, sink, (error) => {
      if (!error) this.push(null);
    });
    // Not left to the pipeline's callback, which waits for a sink that may be waiting for a sleeping consumer.
    for (const stage of [source, decoder, sink]) stage.on("error", (error: Error) => this.destroy(error));
  }

  /** Hands one batch on. Where the consumer is not ready for another, it gives a promise that settles when it is. */
  #deliver(batch: RecordBatch): Promise<void> | undefined {
    if (!this.#begun) return this.#nextWanted().then(() => this.#deliver(batch));
    this.#wanted = false;
    if (this.push(batch) || this.#wanted) return undefined;
    return this.#nextWanted();
  }

  #nextWanted(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWanted = resolve;
    });
  }

  override _read(): void {
    this.#begun = true;
    this.#wanted = true;
    this.#onWanted?.();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#rejectSchema(
      error ?? new SparkStreamError("INVALID_INPUT", "The stream ended or was destroyed before its schema was known."),
    );
    this.#destroyChain();
    this.#onWanted?.();
    void this.#closed.then(() => callback(error));
  }

  // The second signature is core's own, without which no function that takes any Readable would take this one.
  declare [Symbol.asyncIterator]: {
    (): NodeJS.AsyncIterator<RecordBatch>;
    (): ReturnType<Readable[typeof Symbol.asyncIterator]>;
  };
}

const knownOptions = new Set(["signal", "readAheadBytes", "maxRecordsPerBatch", "compression", "tags"]);

function checkOptions(options: SparkStreamOptions): SparkStreamOptions {
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name)) throw invalid(`${JSON.stringify(name)} is no option: ${[...knownOptions].join(", ")}`);
  }
  const { signal, readAheadBytes, maxRecordsPerBatch, compression, tags } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw invalid("signal must be an AbortSignal");
  }
  if (readAheadBytes !== undefined && !(typeof readAheadBytes === "number" && readAheadBytes >= 1)) {
    throw invalid("readAheadBytes must be 1 or more bytes");
  }
  if (maxRecordsPerBatch !== undefined && !(Number.isInteger(maxRecordsPerBatch) && maxRecordsPerBatch > 0)) {
    throw invalid("maxRecordsPerBatch must be a whole number of rows, 1 or more");
  }
  if (compression !== undefined && compression !== "none" && compression !== "zstd") {
    throw invalid('compression must be "none" or "zstd"; lz4 is read, but Spark makes it too slowly to be asked for');
  }
  if (tags !== undefined && !(Array.isArray(tags) && tags.every(isTag))) {
    throw invalid("tags must be an array of strings, none of them empty or with a comma");
  }
  return options;
}

function isTag(tag: unknown): boolean {
  return typeof tag === "string" && tag !== "" && !tag.includes(",");
}

function invalid(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `sparkStream(): ${reason}.`);
}
