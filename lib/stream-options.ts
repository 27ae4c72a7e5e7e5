/**
 * Every option of a stream: its type, its default and its check. What a delivery needs of them is picked from here
 * (`Pick<…>`), and what becomes a setting of Spark does so in delivery/query-conf.ts.
 */
import type { Schema } from "apache-arrow";
import { SparkStreamError } from "./errors.js";
import { type RunOptions, runOptions } from "./runtime/call-options.js";
import {
  byteCount,
  checkArgument,
  checkOptions,
  filled,
  flag,
  INT_MAX,
  isObject,
  nested,
  type OptionTable,
  oneOf,
  whole,
} from "./runtime/check-options.js";

/** The options that all deliveries have. The `signal` destroys the stream with an AbortError; it and the `tags` are those of everything that runs for it. */
export interface CommonStreamOptions extends RunOptions {
  /** Bytes of Arrow data that may be read ahead of the consumer. Default: 16 MiB. */
  readAheadBytes?: number;
  /**
   * Rows per batch at most; default: the server's `spark.sql.execution.arrow.maxRecordsPerBatch`, which is 10,000, and with
   * "push" fewer if rows have strings, so that batches stay within 64 MiB without Spark measuring each row.
   *
   * Like `compression`, it holds for this query alone, which runs in a clone of its session. On a server that cannot clone
   * sessions (before Spark 4.1, Sail), it is set in the session until the query has started, and other queries wait.
   */
  maxRecordsPerBatch?: number;
  /** The codec that Spark (4.1 or later) compresses this query's batches with; default: the session's, which is "none". */
  compression?: "none" | "zstd";
  /**
   * Columns cast by Spark to those of this schema, which has the same columns in the same order. A value that cannot be
   * cast is an error of the query, or null if the session's spark.sql.ansi.enabled is false.
   */
  requestedSchema?: Schema;
}

/** One query, whose result Spark's driver buffers as a whole, within spark.driver.maxResultSize. The default. */
export interface ResultStreamOptions extends CommonStreamOptions {
  delivery?: "result";
  staged?: undefined;
  push?: undefined;
}

/** The frame is computed once and kept by Spark, and read from there piece by piece: any size. */
export interface StagedStreamOptions extends CommonStreamOptions {
  delivery: "staged";
  staged?: StagedOptions;
  push?: undefined;
}

/**
 * The tasks send their batches to this process themselves: any size, if the executors have Python with pyarrow and can
 * connect to this process.
 */
export interface PushStreamOptions extends CommonStreamOptions {
  delivery: "push";
  push?: PushOptions;
  staged?: undefined;
}

/** Options of a stream, by its `delivery`. */
export type SparkStreamOptions = ResultStreamOptions | StagedStreamOptions | PushStreamOptions;

/** Options of `splitSparkStream()`. With delivery "result" there is one stream only, so the default is "staged". */
export type SplitStreamOptions = (Omit<StagedStreamOptions, "delivery"> & { delivery?: "staged" }) | PushStreamOptions;

/** Where a stream with `delivery: "staged"` keeps the frame, and how it is read from there. */
export interface StagedOptions {
  /** Bytes of Arrow data per piece, which has at least one partition. Default: 64 MiB. */
  windowBytes?: number;
  /** The ids of the partitions wanted, from 0; they come in order. Default: all. */
  partitions?: readonly number[];
  /**
   * A directory that Spark's driver and all executors share, such as `s3a://bucket/tmp`. The frame is written there, into a
   * directory of its own, as Parquet, and removed at the end. It survives the loss of executors, needs no checkpoints (Spark
   * 4.0), and no query reads more of it than it wants. Columns that come back may be null, as those of all files.
   * Default: a checkpoint, on the executors' disks unless the server has a directory for it.
   */
  path?: string;
  /** Like `path`, in a table: the one that is made has this name and a suffix (`tmp.staged_20261126t…`). */
  table?: string;
  /**
   * Whether Spark's driver is asked to collect garbage when a checkpoint was removed, which frees its disks. Otherwise they
   * are freed by the driver's own collection (spark.cleaner.periodicGC.interval, 30 minutes). A collection can hold up
   * everybody who uses the driver. Default: true for the Spark that `connect("local")` started, else false.
   */
  collectGarbage?: boolean;
}

/** How Spark's executors reach a stream with `delivery: "push"`, and how it orders and keeps what they send. */
export interface PushOptions {
  /** The address to listen on. Default: that of this process on the way to the server. */
  host?: string;
  /** The port to listen on. Default: 0, a free one. */
  port?: number;
  /**
   * The address that executors connect to, if it is not `host`: a name or address as they see it, with `:port` if the port
   * differs, too.
   */
  advertise?: string;
  /** TLS 1.3. Default: true, unless both addresses are loopback ones; only then false is taken. */
  tls?: boolean;
  /**
   * "arrival" (default): batches as they come, those of several partitions mixed; each knows its own, see `batchInfo()`.
   * "partition": one partition after the other.
   */
  order?: "arrival" | "partition";
  /**
   * Holds each partition back, in memory and then in a temporary file, until its task has ended. A task that fails can then
   * be repeated even if it computes different rows each time. Default: false.
   */
  spool?: boolean;
}

/**
 * Values of options that are not given. For those that are missing here, the server's setting holds (`maxRecordsPerBatch`,
 * `compression`), or it depends on the connection (`push.host`, `push.tls`, `staged.collectGarbage`), or there is none.
 */
export const streamDefaults = {
  delivery: "result",
  readAheadBytes: 16 * 1024 * 1024,
  staged: { windowBytes: 64 * 1024 * 1024 },
  push: { order: "arrival", spool: false },
} as const;

const pushOptions: OptionTable<PushOptions> = {
  host: filled,
  port: whole(0, 65535),
  advertise: filled,
  tls: flag,
  order: oneOf("arrival", "partition"),
  spool: flag,
};

const stagedOptions: OptionTable<StagedOptions> = {
  windowBytes: byteCount,
  partitions: [
    (ids) => Array.isArray(ids) && ids.length > 0 && ids.every(isPartitionId),
    "a non-empty array of partition ids, whole numbers from 0",
  ],
  path: filled,
  table: filled,
  collectGarbage: flag,
};

const isPartitionId = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) <= INT_MAX;

const streamOptions: OptionTable<SparkStreamOptions> = {
  ...runOptions,
  readAheadBytes: byteCount,
  maxRecordsPerBatch: whole(1, INT_MAX, "rows"),
  compression: [
    (codec) => codec === "none" || codec === "zstd",
    '"none" or "zstd" (lz4 is read, but Spark makes it too slowly to be asked for)',
  ],
  requestedSchema: [
    (schema) => isObject(schema) && Array.isArray((schema as Partial<Schema>).fields),
    "an apache-arrow Schema",
  ],
  delivery: oneOf("result", "staged", "push"),
  staged: nested(stagedOptions),
  push: nested(pushOptions),
};

/**
 * @param of the function that takes them, as messages name it
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function checkStreamOptions(of: string, options: SparkStreamOptions): void {
  checkOptions(of, options, streamOptions);
  for (const name of ["staged", "push"] as const) {
    if (options.delivery !== name && options[name] !== undefined) throw needs(of, name, `delivery: "${name}"`);
  }
  const { path, table, collectGarbage } = options.staged ?? {};
  if (path !== undefined && table !== undefined) {
    throw new SparkStreamError(
      "INVALID_ARGUMENT",
      `Options "staged.path" and "staged.table" of ${of} exclude each other.`,
    );
  }
  if (collectGarbage && (path ?? table) !== undefined) {
    throw needs(of, "staged.collectGarbage", "a checkpoint: leave it out, or the path or table");
  }
}

/**
 * Checks the options of a stream whose source is rows.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for an option that needs a query
 */
export function checkRowOptions(of: string, { delivery, requestedSchema }: SparkStreamOptions): void {
  if (delivery === "staged" || delivery === "push") throw needs(of, "delivery", `a DataFrame, if it is "${delivery}"`);
  if (requestedSchema !== undefined) throw needs(of, "requestedSchema", "a DataFrame");
}

const splitDeliveries = oneOf("staged", "push");
const MAX_STREAMS = 1024;

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkSplit(of: string, count: number, options: SplitStreamOptions): void {
  checkArgument(of, "count", count, whole(1, MAX_STREAMS, "streams"));
  checkOptions(of, options, { ...streamOptions, delivery: splitDeliveries });
  checkStreamOptions(of, withSplitDelivery(options));
}

/** @returns the options of each of the streams */
export function withSplitDelivery(options: SplitStreamOptions): SparkStreamOptions {
  return options.delivery === "push" ? options : { ...options, delivery: "staged" };
}

function needs(of: string, option: string, what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `Option ${JSON.stringify(option)} of ${of} needs ${what}.`);
}
