/**
 * sparkStream() and arrowIpcBytes(): they put a source of rows and a decoder into the chain. The user sees only the
 * core Readable around it.
 *
 * Memory: that of the chain (chain/chain.ts), plus the bytes that the transport has in flight (connect/rpc/channel.ts)
 * and the batches that the consumer keeps.
 */
import type { Readable } from "node:stream";
import type { RecordBatch } from "apache-arrow";
import { ArrowIpcBytes } from "./chain/arrow-ipc-bytes.js";
import { type BatchInfo, setBatchInfo } from "./chain/batch-info.js";
import { ChainReadable } from "./chain/chain-readable.js";
import type { RowDecoder } from "./chain/decoder-stage.js";
import { inputRows, type RowInput } from "./chain/input-rows.js";
import type { RowCursor } from "./chain/row-source.js";
import type { LargePartition } from "./chain/source-report.js";
import { isDataFrame } from "./connect/session/is-dataframe.js";
import type { DataFrame } from "./connect/session/session.js";
import { type OnLargePartition, openDelivery } from "./delivery/delivery.js";
import { readStoredResult } from "./delivery/stored/read-result.js";
import { checkStoredResult, isStoredResult, type StoredResult } from "./delivery/stored/stored-result.js";
import { SparkStreamError } from "./errors.js";
import { SharedRun } from "./runtime/shared-run.js";
import {
  checkCount,
  checkRowOptions,
  checkSplit,
  checkStoredResultOptions,
  checkStreamOptions,
  type SparkStreamOptions,
  type SplitStreamOptions,
  type StoredResultOptions,
  streamDefaults,
  withSplitDelivery,
} from "./stream-options.js";

/**
 * Streams a result that `storeResult()` has stored, or a part of it, without Spark.
 *
 * @throws SparkStreamError INVALID_ARGUMENT; INVALID_INPUT for a result of another version, or one that was changed. Everything
 *   later is an error of the stream: STORE_FAILED, INCOMPLETE_RESULT.
 */
export function sparkStream(source: StoredResult, options?: StoredResultOptions): SparkStream;
/**
 * Streams a DataFrame, or rows as defined by SPARK-54337, as a Readable of record batches.
 *
 * The query starts at once and stops when the stream is destroyed. The stream has at least one batch, of 0 rows if the
 * result is empty, so that a sink always receives the schema.
 *
 * @throws SparkStreamError INVALID_ARGUMENT, INVALID_INPUT or SESSION_CLOSED, at the call. Everything later is an error of
 *   the stream.
 */
export function sparkStream(source: DataFrame | RowInput, options?: SparkStreamOptions): SparkStream;
export function sparkStream(source: Source, options: SparkStreamOptions | StoredResultOptions = {}): SparkStream {
  return open("sparkStream()", SparkStream, source, options);
}

/** Streams the bytes of a result that `storeResult()` has stored, or of a part of it, without Spark. */
export function arrowIpcBytes(source: StoredResult, options?: StoredResultOptions): ArrowIpcBytes;
/**
 * Streams a DataFrame, or rows as defined by SPARK-54337, as a Readable of bytes: one Arrow IPC stream with Spark's own
 * messages, forwarded without decoding. Use it for an HTTP response, a socket or a pipe whose other end reads Arrow.
 *
 * Otherwise it works like {@link sparkStream}: it starts at once, back pressure reaches the socket, and the number and
 * order of the rows are checked. A stream that fails has no end-of-stream mark. An empty result has its schema.
 *
 * @param options the options of `sparkStream`; with `compression: "zstd"` the bodies stay compressed, as Arrow's
 * readers
 *   support
 * @throws SparkStreamError like `sparkStream`
 */
export function arrowIpcBytes(source: DataFrame | RowInput, options?: SparkStreamOptions): ArrowIpcBytes;
export function arrowIpcBytes(source: Source, options: SparkStreamOptions | StoredResultOptions = {}): ArrowIpcBytes {
  return open("arrowIpcBytes()", ArrowIpcBytes, source, options);
}

/** Splits a stored result: the i-th stream has every `count`-th of the partitions. */
export function splitSparkStream(source: StoredResult, count: number, options?: StoredResultOptions): SparkStream[];
/**
 * Splits a DataFrame into several Readables, to be consumed at the same time. Each has a share of the partitions;
 * together they are the whole result. If there are fewer partitions than streams, some streams are empty.
 *
 * @param count the number of streams, at most 1,024
 * @param options with `delivery: "staged"`, the default, the frame is staged once, and the shares are consecutive and
 * have
 *   about the same number of bytes; the frame is removed when all streams have ended or were destroyed. With "push" and
 *   "stored" the i-th stream has the partitions with `id % count === i`.
 *
 * @throws SparkStreamError INVALID_ARGUMENT or SESSION_CLOSED, at the call. Everything later is an error of the streams.
 */
export function splitSparkStream(source: DataFrame, count: number, options?: SplitStreamOptions): SparkStream[];
export function splitSparkStream(
  source: DataFrame | StoredResult,
  count: number,
  options: SplitStreamOptions | StoredResultOptions = {},
): SparkStream[] {
  if (isStoredResult(source)) {
    checkCount("splitSparkStream()", count);
    return storedCursors("splitSparkStream()", source, options as StoredResultOptions, count).map(
      (rows) => new SparkStream(rows, { readAheadBytes: options.readAheadBytes, signal: options.signal }),
    );
  }
  return splitFrame(source, count, options as SplitStreamOptions);
}

function splitFrame(source: DataFrame, count: number, options: SplitStreamOptions): SparkStream[] {
  if (!isDataFrame(source)) {
    throw new SparkStreamError("INVALID_INPUT", "splitSparkStream() needs a DataFrame: other rows come in one stream.");
  }
  checkSplit("splitSparkStream()", count, options);
  const withDelivery = withSplitDelivery(options);
  const streams: SparkStream[] = [];
  const notify = Array.from({ length: count }, (_, index) => (partition: LargePartition) => {
    streams[index]!.emit("largePartition", partition);
  });
  for (const rows of cursors(source, withDelivery, notify)) {
    streams.push(streamOf(SparkStream, () => rows, withDelivery));
  }
  return streams;
}

/** The cursor of a stream whose signal was already aborted: nothing is sent. */
const unopened: RowCursor = { next: async () => undefined, close: async () => {} };

type Source = DataFrame | RowInput | StoredResult;
type StreamClass<S> = new (rows: RowCursor, options: Pick<SparkStreamOptions, "readAheadBytes" | "signal">) => S;

function open<S extends Readable>(
  of: string,
  Stream: StreamClass<S>,
  source: Source,
  given: SparkStreamOptions | StoredResultOptions,
): S {
  if (isStoredResult(source)) {
    const [rows] = storedCursors(of, source, given as StoredResultOptions, 1);
    return new Stream(rows!, given);
  }
  const options = given as SparkStreamOptions;
  checkStreamOptions(of, options);
  if (!isDataFrame(source)) {
    checkRowOptions(of, options);
    return streamOf(Stream, () => inputRows(source), options);
  }
  return streamOf(Stream, (notify) => cursors(source, options, [notify])[0]!, options);
}

function storedCursors(
  of: string,
  result: StoredResult,
  options: StoredResultOptions,
  count: number,
): readonly RowCursor[] {
  checkStoredResult(result);
  checkStoredResultOptions(of, options, result.uri);
  if (options.signal?.aborted) return Array.from({ length: count }, () => unopened);
  return readStoredResult(result, options, count);
}

/** Opens one cursor per stream. The streams are notified of large partitions. */
function cursors(
  source: DataFrame,
  options: SparkStreamOptions,
  streams: readonly OnLargePartition[],
): readonly RowCursor[] {
  if (options.signal?.aborted) return streams.map(() => unopened);
  return openDelivery(requested(source, options), options, streams);
}

function streamOf<S extends Readable>(
  Stream: StreamClass<S>,
  rowsOf: (onLargePartition: OnLargePartition) => RowCursor,
  options: SparkStreamOptions,
): S {
  const rows = rowsOf((partition) => stream.emit("largePartition", partition));
  const stream: S = new Stream(rows, options);
  return stream;
}

function requested(source: DataFrame, { requestedSchema }: SparkStreamOptions): DataFrame {
  if (!requestedSchema) return source;
  const plan = new SharedRun(async (options) => {
    const { castPlan } = await import("./delivery/requested-schema.js");
    return await castPlan(source, requestedSchema, options);
  });
  return source.withPlan((options) => plan.wait(options));
}

/**
 * The Readable that {@link sparkStream} returns: in objectMode, of apache-arrow RecordBatch.
 *
 * If one partition of a staged frame exceeds `windowBytes`, the stream emits "largePartition", with a
 * {@link LargePartition}, before it delivers that partition: it is read as a whole, and the driver must hold it.
 */
export class SparkStream extends ChainReadable<RecordBatch> {
  /** @internal Use {@link sparkStream}. */
  constructor(rows: RowCursor, options: SparkStreamOptions = {}) {
    const { readAheadBytes = streamDefaults.readAheadBytes, maxRecordsPerBatch, signal } = options;
    const decoder = () => loadDecoder(maxRecordsPerBatch);
    super({ rows, readAheadBytes, loadDecoder: decoder }, { objectMode: true, highWaterMark: 1, signal });
  }

  /** @internal */
  protected override hand(batch: RecordBatch, info: BatchInfo): boolean {
    setBatchInfo(batch, info);
    return this.push(batch);
  }

  // The second signature is core's own; without it, no function that takes any Readable would accept this one.
  declare [Symbol.asyncIterator]: {
    (): NodeJS.AsyncIterator<RecordBatch>;
    (): ReturnType<Readable[typeof Symbol.asyncIterator]>;
  };
}

/** Loads the decoder with the first stream, since apache-arrow takes as long to load as everything else. */
async function loadDecoder(maxRows: number | undefined): Promise<RowDecoder<RecordBatch>> {
  const { IpcDecoder } = await import("./chain/ipc-decoder.js");
  return new IpcDecoder(maxRows);
}
