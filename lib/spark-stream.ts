/**
 * sparkStream() and arrowIpcBytes(): put a source of rows and a decoder into the chain; the core Readable around it is all
 * a user sees.
 *
 * Memory: that of the chain (chain/chain-readable.ts). Beyond it come what the transport has in flight (see
 * connect/channel.ts) and what the consumer keeps.
 */
import { addAbortSignal, type Readable } from "node:stream";
import type { RecordBatch } from "apache-arrow";
import { ArrowIpcBytes } from "./chain/arrow-ipc-bytes.js";
import { ChainReadable } from "./chain/chain-readable.js";
import { inputRows, type RowInput } from "./chain/input-rows.js";
import { IpcDecoder } from "./chain/ipc-decoder.js";
import { emptyRecordBatch } from "./chain/record-batch.js";
import type { RowCursor } from "./chain/row-source.js";
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
  return open(SparkStream, source, options);
}

/**
 * A DataFrame, or rows of SPARK-54337's shape, as a Readable of bytes: one Arrow IPC stream, with Spark's own messages
 * forwarded as they came. For an HTTP response, a socket or a pipe whose other end knows Arrow; nothing is decoded here.
 *
 * As {@link sparkStream} in all else: it starts at once, back pressure reaches the socket, the count and the order of the
 * rows are checked, and a stream that fails has no end-of-stream mark. An empty result has its schema.
 *
 * @param options as those of `sparkStream`; with `compression: "zstd"` the bodies stay compressed, which Arrow's readers know
 * @throws SparkStreamError as `sparkStream`
 */
export function arrowIpcBytes(source: DataFrame | RowInput, options: SparkStreamOptions = {}): ArrowIpcBytes {
  return open(ArrowIpcBytes, source, options);
}

function open<S extends Readable>(
  Stream: new (rows: RowCursor, readAheadBytes: number) => S,
  source: DataFrame | RowInput,
  options: SparkStreamOptions,
): S {
  const { signal, readAheadBytes = DEFAULT_READ_AHEAD, ...queryOptions } = checkOptions(options);
  const rows = source instanceof DataFrame ? resultRows(source, queryOptions) : inputRows(source);
  const stream = new Stream(rows, readAheadBytes);
  if (signal) addAbortSignal(signal, stream);
  return stream;
}

/** The Readable that {@link sparkStream} returns: objectMode, of apache-arrow RecordBatch. */
export class SparkStream extends ChainReadable<RecordBatch> {
  /** @internal Use {@link sparkStream}. */
  constructor(rows: RowCursor, readAheadBytes: number) {
    const parts = { rows, readAheadBytes, decoder: new IpcDecoder(), empty: emptyRecordBatch };
    super(parts, { objectMode: true, highWaterMark: 1 });
  }

  protected override hand(batch: RecordBatch): boolean {
    return this.push(batch);
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
