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

/** The `signal` destroys the stream with an AbortError. It and the `tags` are those of everything that runs for it. */
export interface SparkStreamOptions extends RunOptions {
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
  /**
   * "result" (default): one query, whose result Spark's driver buffers as a whole, within spark.driver.maxResultSize.
   * "staged": computed once onto the executors' disks and read from there piece by piece; any size, from Spark 4.0 on.
   * "push": the tasks send their batches to this process themselves; any size, if the executors have Python with pyarrow
   * and can connect to this process.
   */
  delivery?: "result" | "staged" | "push";
  /** "push": the address that tasks connect to, and the order of their batches. */
  push?: PushOptions;
  /** "staged": bytes of Arrow data per piece, which has at least one partition. Default: 64 MiB. */
  windowBytes?: number;
  /** "staged": the ids of the partitions wanted, from 0; they come in order. Default: all. */
  partitions?: readonly number[];
  /**
   * "staged": whether Spark's driver is asked to collect garbage at the end, which frees the executors' disks. With false
   * they are freed by the driver's own collection (spark.cleaner.periodicGC.interval, 30 minutes). Default: true.
   */
  collectGarbage?: boolean;
}

/** Options of `splitSparkStream()`. With delivery "result" there is one stream only, so the default is "staged". */
export interface SplitStreamOptions extends SparkStreamOptions {
  delivery?: "staged" | "push";
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
 * Options that are not given. For those that are missing here, the server's setting holds (`maxRecordsPerBatch`,
 * `compression`), or it depends on the connection (`push.host`, `push.tls`), or there is none.
 */
export const streamDefaults = {
  delivery: "result",
  readAheadBytes: 16 * 1024 * 1024,
  windowBytes: 64 * 1024 * 1024,
  collectGarbage: true,
  push: { order: "arrival", spool: false },
} as const satisfies SparkStreamOptions;

const pushOptions: OptionTable<PushOptions> = {
  host: filled,
  port: whole(0, 65535),
  advertise: filled,
  tls: flag,
  order: oneOf("arrival", "partition"),
  spool: flag,
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
  push: nested(pushOptions),
  windowBytes: byteCount,
  partitions: [
    (ids) => Array.isArray(ids) && ids.length > 0 && ids.every(isPartitionId),
    "a non-empty array of partition ids, whole numbers from 0",
  ],
  collectGarbage: flag,
};

/** Options that no other delivery has. */
const STAGED_ONLY = ["windowBytes", "partitions", "collectGarbage"] as const;

/**
 * @param of the function that takes them, as messages name it
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function checkStreamOptions(of: string, options: SparkStreamOptions): void {
  checkOptions(of, options, streamOptions);
  const { delivery, push } = options;
  for (const name of STAGED_ONLY) {
    if (delivery !== "staged" && options[name] !== undefined) throw needs(of, name, 'delivery: "staged"');
  }
  if (delivery !== "push" && push !== undefined) throw needs(of, "push", 'delivery: "push"');
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
  checkStreamOptions(of, { ...options, delivery: options.delivery ?? "staged" });
}

function needs(of: string, option: string, what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `Option ${JSON.stringify(option)} of ${of} needs ${what}.`);
}
