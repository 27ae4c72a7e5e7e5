/**
 * sparkStream() and arrowIpcBytes(): put a source of rows and a decoder into the chain; the core Readable around it is all
 * a user sees.
 *
 * Memory: that of the chain (chain/chain.ts). Beyond it come what the transport has in flight (see
 * connect/rpc/channel.ts) and what the consumer keeps.
 */
import type { Readable } from "node:stream";
import type { RecordBatch } from "apache-arrow";
import { ArrowIpcBytes } from "./chain/arrow-ipc-bytes.js";
import { type BatchInfo, setBatchInfo } from "./chain/batch-info.js";
import { ChainReadable } from "./chain/chain-readable.js";
import type { RowDecoder } from "./chain/decoder-stage.js";
import { inputRows, type RowInput } from "./chain/input-rows.js";
import type { RowCursor } from "./chain/row-source.js";
import { isDataFrame } from "./connect/session/is-dataframe.js";
import type { DataFrame } from "./connect/session/session.js";
import { type OnLargePartition, openDelivery } from "./delivery/delivery.js";
import type { LargePartition } from "./delivery/staged/staged.js";
import { SparkStreamError } from "./errors.js";
import { SharedRun } from "./runtime/shared-run.js";
import {
  checkRowOptions,
  checkSplit,
  checkStreamOptions,
  type SparkStreamOptions,
  type SplitStreamOptions,
  streamDefaults,
  withSplitDelivery,
} from "./stream-options.js";

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
  return open("sparkStream()", SparkStream, source, options);
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
  return open("arrowIpcBytes()", ArrowIpcBytes, source, options);
}

/**
 * A DataFrame as several Readables, to be consumed at the same time. Each has a share of the partitions; together they are the
 * whole result. If there are fewer partitions than streams, some streams are empty.
 *
 * @param count 1,024 at most
 * @param options with `delivery: "staged"`, the default, the frame is staged once, and shares come in order and have about the
 *   same bytes; it is removed when all streams have ended or were destroyed. With "push" the i-th stream has the partitions
 *   whose ids leave the remainder i when divided by `count`.
 *
 * @throws SparkStreamError INVALID_ARGUMENT or SESSION_CLOSED, at the call. Everything later is an error of the streams.
 */
export function splitSparkStream(source: DataFrame, count: number, options: SplitStreamOptions = {}): SparkStream[] {
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

/** In place of a query whose signal was aborted before: nothing is sent. */
const unopened: RowCursor = { next: async () => undefined, close: async () => {} };

type StreamClass<S> = new (rows: RowCursor, options: SparkStreamOptions) => S;

function open<S extends Readable>(
  of: string,
  Stream: StreamClass<S>,
  source: DataFrame | RowInput,
  options: SparkStreamOptions,
): S {
  checkStreamOptions(of, options);
  if (!isDataFrame(source)) {
    checkRowOptions(of, options);
    return streamOf(Stream, () => inputRows(source), options);
  }
  return streamOf(Stream, (notify) => cursors(source, options, [notify])[0]!, options);
}

/** One for each of the streams, which are notified of large partitions. */
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
 * The Readable that {@link sparkStream} returns: objectMode, of apache-arrow RecordBatch.
 *
 * A staged frame with a partition that alone is over `windowBytes` makes it emit "largePartition", with a
 * {@link LargePartition}, before that partition comes: it comes whole, and the driver must hold it.
 */
export class SparkStream extends ChainReadable<RecordBatch> {
  /** @internal Use {@link sparkStream}. */
  constructor(rows: RowCursor, options: SparkStreamOptions = {}) {
    const { readAheadBytes = streamDefaults.readAheadBytes, maxRecordsPerBatch, signal } = options;
    const decoder = () => loadDecoder(maxRecordsPerBatch);
    super({ rows, readAheadBytes, loadDecoder: decoder }, { objectMode: true, highWaterMark: 1, signal });
  }

  protected override hand(batch: RecordBatch, info: BatchInfo): boolean {
    setBatchInfo(batch, info);
    return this.push(batch);
  }

  // The second signature is core's own, without which no function that takes any Readable would take this one.
  declare [Symbol.asyncIterator]: {
    (): NodeJS.AsyncIterator<RecordBatch>;
    (): ReturnType<Readable[typeof Symbol.asyncIterator]>;
  };
}

/** Loaded by the first stream, since apache-arrow takes as long to load as all the rest. */
async function loadDecoder(maxRows: number | undefined): Promise<RowDecoder<RecordBatch>> {
  const { IpcDecoder } = await import("./chain/ipc-decoder.js");
  return new IpcDecoder(maxRows);
}
