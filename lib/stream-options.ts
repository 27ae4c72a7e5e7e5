import type { Schema } from "apache-arrow";
import { SparkStreamError } from "./errors.js";

export interface SparkStreamOptions {
  /** Destroys the stream with an AbortError and cancels the query on the server. */
  signal?: AbortSignal;
  /** Bytes of Arrow data that may be read ahead of the consumer. Default: 16 MiB. */
  readAheadBytes?: number;
  /**
   * Rows per batch at most; default: the server's `spark.sql.execution.arrow.maxRecordsPerBatch`, which is 10,000, and with
   * "push" fewer where rows have strings, so that batches stay within 64 MiB without Spark measuring each row.
   *
   * A setting of this query alone, as `compression` is: it runs in a clone of its session. A server that cannot clone
   * sessions (before Spark 4.1, Sail) has it set in the session until the query has started, and its other queries wait.
   */
  maxRecordsPerBatch?: number;
  /** The codec that Spark (4.1 or later) compresses this query's batches with; default: the session's, which is "none". */
  compression?: "none" | "zstd";
  /** What `session.interruptTag()` finds the query by. No tag is empty or has a comma. */
  tags?: readonly string[];
  /**
   * Columns cast by Spark to those of this schema, which has the same columns in the same order. A value that cannot be
   * cast is an error of the query, or null where the session's spark.sql.ansi.enabled is false.
   */
  requestedSchema?: Schema;
  /**
   * "result" (default): one query, whose result Spark's driver buffers as a whole, within spark.driver.maxResultSize.
   * "staged": computed once onto the executors' disks and taken from there piece by piece; any size, from Spark 4.0 on.
   * "push": the tasks send their batches to this process themselves; any size, where the executors have Python with
   * pyarrow and can connect to this process.
   */
  delivery?: "result" | "staged" | "push";
  /** "push": where tasks connect to, and the order in which their batches come. */
  push?: PushOptions;
  /** "staged": bytes of Arrow data per piece, which is one partition at least. Default: 64 MiB. */
  windowBytes?: number;
  /** "staged": the ids of the partitions wanted, from 0; they come in order. Default: all. */
  partitions?: readonly number[];
  /**
   * "staged": whether Spark's driver is asked for a garbage collection at the end, which is what frees the disks. Default:
   * true; with false that waits for the driver's own (spark.cleaner.periodicGC.interval, 30 minutes).
   */
  collectGarbage?: boolean;
}

/** Those of `splitSparkStream()`: a result comes in one stream, so it is staged, or pushed. */
export interface SplitStreamOptions extends SparkStreamOptions {
  delivery?: "staged" | "push";
}

/** How `delivery: "push"` is reached by Spark's executors, and what it does with what they send. */
export interface PushOptions {
  /** The address to listen on. Default: that of this process on the way to the server. */
  host?: string;
  /** The port to listen on. Default: 0, a free one. */
  port?: number;
  /**
   * What executors are told to connect to, where that is something else than `host`: a name or address as they see it,
   * with `:port` where that differs, too.
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
   * Holds each partition back, in memory and then in a temporary file, until its task has ended, so that one which is
   * another each time it is computed may be computed anew. Default: false.
   */
  spool?: boolean;
}

/** Options that only some deliveries have. */
const STAGED_ONLY = ["windowBytes", "partitions", "collectGarbage"] as const;

const knownOptions = new Set([
  "signal",
  "readAheadBytes",
  "maxRecordsPerBatch",
  "compression",
  "tags",
  "requestedSchema",
  "delivery",
  "push",
  ...STAGED_ONLY,
]);

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkOptions(options: SparkStreamOptions): void {
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name)) throw invalid(`${JSON.stringify(name)} is no option: ${[...knownOptions].join(", ")}`);
  }
  const { signal, readAheadBytes, maxRecordsPerBatch, compression, tags, requestedSchema } = options;
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
  if (requestedSchema !== undefined && !Array.isArray(requestedSchema?.fields)) {
    throw invalid("requestedSchema must be an apache-arrow Schema");
  }
  const { delivery = "result" } = options;
  if (delivery !== "result" && delivery !== "staged" && delivery !== "push") {
    throw invalid(`delivery must be "result", "staged" or "push", not ${JSON.stringify(delivery)}`);
  }
  checkStagedOptions(options);
  if (options.push !== undefined) checkPushOptions(options.push, delivery);
}

function checkStagedOptions(options: SparkStreamOptions): void {
  const { delivery, windowBytes, partitions, collectGarbage } = options;
  for (const name of STAGED_ONLY) {
    if (delivery !== "staged" && options[name] !== undefined) throw invalid(`${name} needs delivery: "staged"`);
  }
  if (windowBytes !== undefined && !(typeof windowBytes === "number" && windowBytes >= 1)) {
    throw invalid("windowBytes must be 1 or more bytes");
  }
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0;
  if (partitions !== undefined && !(Array.isArray(partitions) && partitions.length > 0 && partitions.every(isId))) {
    throw invalid("partitions must be ids of partitions, whole numbers from 0, at least one");
  }
  if (collectGarbage !== undefined && typeof collectGarbage !== "boolean") {
    throw invalid("collectGarbage must be true or false");
  }
}

const pushOptions: {
  readonly [name in keyof Required<PushOptions>]: [isValid: (value: unknown) => boolean, is: string];
} = {
  host: [isFilled, "an address to listen on"],
  port: [(port) => Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65535, "a port, 0 to 65535"],
  advertise: [isFilled, "a name or an address, with :port where it differs"],
  tls: [isBoolean, "true or false"],
  order: [(order) => order === "arrival" || order === "partition", '"arrival" or "partition"'],
  spool: [isBoolean, "true or false"],
};

function checkPushOptions(push: PushOptions, delivery: string): void {
  if (delivery !== "push") throw invalid('push needs delivery: "push"');
  if (typeof push !== "object" || push === null) throw invalid("push must be an object of options");
  for (const [name, value] of Object.entries(push)) {
    if (!Object.hasOwn(pushOptions, name)) {
      throw invalid(`${JSON.stringify(name)} is no option of push: ${Object.keys(pushOptions).join(", ")}`);
    }
    const [isValid, is] = pushOptions[name as keyof PushOptions];
    if (value !== undefined && !isValid(value)) throw invalid(`push.${name} must be ${is}`);
  }
}

/**
 * For rows that are made already.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for what only a query can have
 */
export function checkRowOptions({ delivery, requestedSchema }: SparkStreamOptions): void {
  if (delivery === "staged" || delivery === "push") throw invalid(`delivery: "${delivery}" needs a DataFrame`);
  if (requestedSchema !== undefined) throw invalid("requestedSchema needs a DataFrame");
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkSplitOptions(options: SparkStreamOptions): void {
  checkOptions(options);
  if (options.delivery === "result") throw invalid('a split has delivery: "staged" or "push"');
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkStreamCount(count: number): void {
  if (Number.isInteger(count) && count > 0) return;
  throw new SparkStreamError("INVALID_ARGUMENT", "splitSparkStream(): the number of streams must be 1 or more.");
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isTag(tag: unknown): boolean {
  return typeof tag === "string" && tag !== "" && !tag.includes(",");
}

function invalid(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `sparkStream(): ${reason}.`);
}
