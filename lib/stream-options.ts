/**
 * All options of a stream: their types, defaults and checks. A delivery picks the options it needs from here
 * (`Pick<…>`); delivery/query-conf.ts turns some of them into Spark settings.
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
  type Rule,
  required,
  secret,
  whole,
} from "./runtime/check-options.js";
import { type ReachOptions, reachOptions } from "./runtime/reach-options.js";
import {
  checkStoreUri,
  type ReadableStore,
  readableStoreRule,
  type Store,
  type StoreLocation,
  storeRule,
} from "./store/store.js";

/**
 * The options of all deliveries. The `signal` destroys the stream with an AbortError; it and the `tags` apply to
 * everything that runs for the stream.
 */
export interface CommonStreamOptions extends RunOptions {
  /** The number of bytes of Arrow data that may be read ahead of the consumer. Default: 16 MiB. */
  readAheadBytes?: number;
  /**
   * The most rows per batch. Default: the server's `spark.sql.execution.arrow.maxRecordsPerBatch`, which is 10,000;
   * with "push" fewer if rows have strings, so that batches stay within 64 MiB without Spark measuring each row.
   *
   * Like `compression`, it applies to this query only, which runs in a clone of its session. On a server that cannot
   * clone sessions (before Spark 4.1, Sail), it is set in the session until the query has started, and other queries
   * wait.
   */
  maxRecordsPerBatch?: number;
  /**
   * The codec with which Spark (4.1 or later) compresses this query's batches. Default: the session's, which is "none".
   */
  compression?: "none" | "zstd";
  /**
   * The schema to which Spark casts the columns; it must have the same columns in the same order. A value that cannot
   * be cast is an error of the query, or null if the session's spark.sql.ansi.enabled is false.
   */
  requestedSchema?: Schema;
}

/**
 * Delivery "result", the default: one query, whose whole result Spark's driver buffers, within
 * spark.driver.maxResultSize.
 */
export interface ResultStreamOptions extends CommonStreamOptions {
  delivery?: "result";
  staged?: undefined;
  push?: undefined;
  store?: undefined;
  stored?: undefined;
}

/**
 * Delivery "staged", for results of any size: Spark computes and keeps the frame, and it is read from there in pieces.
 */
export interface StagedStreamOptions extends CommonStreamOptions {
  delivery: "staged";
  staged?: StagedOptions;
  push?: undefined;
  store?: undefined;
  stored?: undefined;
}

/**
 * Delivery "push", for results of any size: the tasks send their batches directly to this process. The executors need
 * Python with pyarrow, and must be able to connect to this process.
 */
export interface PushStreamOptions extends CommonStreamOptions {
  delivery: "push";
  push?: PushOptions;
  staged?: undefined;
  store?: undefined;
  stored?: undefined;
}

/**
 * Delivery "stored", for results of any size: the tasks write their batches into a store, such as a shared directory, from
 * which this process reads and removes them. The executors need Python with pyarrow, and no way to this process.
 */
export interface StoredStreamOptions extends CommonStreamOptions {
  delivery: "stored";
  /** A directory that this process and all executors share, `{ uri: "file:///mnt/shared" }`, or another store. */
  store: Store | StoreLocation;
  stored?: StoredOptions;
  staged?: undefined;
  push?: undefined;
}

/** The options of a stream, by its `delivery`. */
export type SparkStreamOptions = ResultStreamOptions | StagedStreamOptions | PushStreamOptions | StoredStreamOptions;

/** The options of `splitSparkStream()`. Delivery "result" has only one stream, so the default is "staged". */
export type SplitStreamOptions =
  | (Omit<StagedStreamOptions, "delivery"> & { delivery?: "staged" })
  | PushStreamOptions
  | StoredStreamOptions;

/** Options of `delivery: "staged"`: where Spark keeps the frame, and how it is read from there. */
export interface StagedOptions {
  /** The most bytes of Arrow data per piece; a piece has at least one partition. Default: 64 MiB. */
  windowBytes?: number;
  /** The ids of the partitions to read, from 0; they are delivered in order. Default: all. */
  partitions?: readonly number[];
  /**
   * A directory that Spark's driver and all executors share, such as `s3a://bucket/tmp`. The frame is written as
   * Parquet into a directory of its own there, and removed at the end. It survives the loss of executors, needs no
   * checkpoints (Spark 4.0), and each query reads only the partitions it needs. All columns become nullable, as with
   * all files. Default: a checkpoint, on the executors' disks unless the server has a checkpoint directory.
   */
  path?: string;
  /** Like `path`, but a table: its name is this one with a suffix (`tmp.staged_20261126t…`). */
  table?: string;
  /**
   * Whether Spark's driver is asked for a garbage collection after a checkpoint was removed, which frees its disk
   * space. Otherwise the driver's own collection frees it (spark.cleaner.periodicGC.interval, 30 minutes). A collection
   * can delay everybody who uses the driver. Default: true for the Spark that `connect("local")` started, else false.
   */
  collectGarbage?: boolean;
}

/** Options of `delivery: "push"`: how Spark's executors reach the stream, and how it orders and keeps their batches. */
export interface PushOptions extends ReachOptions {
  /**
   * "arrival" (default): batches as they arrive, from several partitions in turn; see `batchInfo()` for a batch's
   * partition.
   * "partition": one partition after the other.
   */
  order?: "arrival" | "partition";
  /**
   * Whether each partition is held back, in memory and then in a temporary file, until its task has ended. A failed
   * task can then be repeated even if it computes different rows each time. Default: false.
   */
  spool?: boolean;
}

/** Options of `delivery: "stored"`. */
export interface StoredOptions {
  /**
   * "partition" (default): one partition after the other.
   * "arrival": batches as they are read, from several files in turn; see `batchInfo()` for a batch's partition. Spark reports a
   * task only after those of all partitions before it, so a slow partition holds up those behind it in either order.
   */
  order?: "partition" | "arrival";
  /** Whether the files are left in the store. Default: false, they are removed when the stream ends, fails or is destroyed. */
  keep?: boolean;
}

/** Options of `storeResult()`. */
export interface StoreResultOptions
  extends RunOptions,
    Pick<CommonStreamOptions, "maxRecordsPerBatch" | "compression"> {
  /** Where the result is stored; see {@link StoredStreamOptions.store}. */
  store: Store | StoreLocation;
}

/** Options of `sparkStream()` and `splitSparkStream()` for a stored result. */
export interface StoredResultOptions extends Pick<CommonStreamOptions, "readAheadBytes" | "signal"> {
  /** The store, unless it is a `file:` directory; only its `open` is needed. */
  store?: ReadableStore | StoreLocation;
  /** The ids of the partitions to read, from 0. Default: all. */
  partitions?: readonly number[];
  /** Where to begin: at this row of this partition, from 0; partitions before it are left out. Default: at the start. */
  from?: ResultPosition;
  /** See {@link StoredOptions.order}. */
  order?: "partition" | "arrival";
}

/** A row of a stored result. */
export interface ResultPosition {
  /** The partition's id. */
  readonly partition: number;
  /** The number of rows of the partition before this one. */
  readonly row: number;
}

/** Options of `removeResult()`. */
export type RemoveResultOptions = Partial<Pick<StoreResultOptions, "store">>;

/**
 * The defaults of options. Options missing here default to the server's setting (`maxRecordsPerBatch`, `compression`),
 * depend on the connection (`push.host`, `push.tls`, `staged.collectGarbage`), or have no default.
 */
export const streamDefaults = {
  delivery: "result",
  readAheadBytes: 16 * 1024 * 1024,
  staged: { windowBytes: 64 * 1024 * 1024 },
  push: { order: "arrival", spool: false },
  stored: { order: "partition", keep: false },
} as const;

const pushOptions: OptionTable<PushOptions> = {
  ...reachOptions,
  order: oneOf("arrival", "partition"),
  spool: flag,
};

const isPartitionId = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) <= INT_MAX;

const partitionIds: Rule = [
  (ids) => Array.isArray(ids) && ids.length > 0 && ids.every(isPartitionId),
  "a non-empty array of partition ids, whole numbers from 0",
];

const stagedOptions: OptionTable<StagedOptions> = {
  windowBytes: byteCount,
  partitions: partitionIds,
  path: filled,
  table: filled,
  collectGarbage: flag,
};

const storedOptions: OptionTable<StoredOptions> = {
  order: oneOf("partition", "arrival"),
  keep: flag,
};

const position: OptionTable<ResultPosition> = {
  partition: required(whole(0, INT_MAX)),
  row: required(whole(0, Number.MAX_SAFE_INTEGER)),
};

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
  delivery: oneOf("result", "staged", "push", "stored"),
  staged: nested(stagedOptions),
  push: nested(pushOptions),
  store: secret(storeRule),
  stored: nested(storedOptions),
};

/**
 * @param of the function that takes the options, as messages name it
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function checkStreamOptions(of: string, options: SparkStreamOptions): void {
  checkOptions(of, options, streamOptions);
  for (const name of ["staged", "push", "stored"] as const) {
    if (options.delivery !== name && options[name] !== undefined) throw needs(of, name, `delivery: "${name}"`);
  }
  const { delivery, store } = options;
  if (store && delivery !== "stored") throw needs(of, "store", 'delivery: "stored"');
  if (delivery === "stored" && !store) throw needs(of, "delivery", 'a "store", if it is "stored"');
  if (store) checkStoreUri(store);
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

const storeOption = secret(storeRule);

const storeResultOptions: OptionTable<StoreResultOptions> = {
  ...runOptions,
  maxRecordsPerBatch: streamOptions.maxRecordsPerBatch,
  compression: streamOptions.compression,
  store: required(storeOption),
};

const storedResultOptions: OptionTable<StoredResultOptions> = {
  signal: runOptions.signal,
  readAheadBytes: byteCount,
  store: secret(readableStoreRule),
  partitions: partitionIds,
  from: nested(position),
  order: storedOptions.order,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkStoreResult(of: string, options: StoreResultOptions): void {
  checkOptions(of, options, storeResultOptions);
  checkStoreUri(options.store);
}

/**
 * @param uri the store that the result names
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function checkStoredResultOptions(of: string, options: StoredResultOptions, uri: string): void {
  checkOptions(of, options, storedResultOptions);
  checkStoreUri(options.store ?? { uri });
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkRemoveResult(of: string, options: RemoveResultOptions): void {
  checkOptions(of, options, { store: storeOption });
  if (options.store) checkStoreUri(options.store);
}

/**
 * Checks the options of a stream over a user's own rows.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for an option that needs a query
 */
export function checkRowOptions(of: string, { delivery, requestedSchema }: SparkStreamOptions): void {
  if (delivery && delivery !== "result") throw needs(of, "delivery", `a DataFrame, if it is "${delivery}"`);
  if (requestedSchema !== undefined) throw needs(of, "requestedSchema", "a DataFrame");
}

const splitDeliveries = oneOf("staged", "push", "stored");
const MAX_STREAMS = 1024;

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkCount(of: string, count: number): void {
  checkArgument(of, "count", count, whole(1, MAX_STREAMS, "streams"));
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkSplit(of: string, count: number, options: SplitStreamOptions): void {
  checkCount(of, count);
  checkOptions(of, options, { ...streamOptions, delivery: splitDeliveries });
  checkStreamOptions(of, withSplitDelivery(options));
}

/** @returns the options of each stream */
export function withSplitDelivery(options: SplitStreamOptions): SparkStreamOptions {
  if (options.delivery === "push" || options.delivery === "stored") return options;
  return { ...options, delivery: "staged" };
}

function needs(of: string, option: string, what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `Option ${JSON.stringify(option)} of ${of} needs ${what}.`);
}
