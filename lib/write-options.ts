/** All options of `sparkWriter()`: their types, defaults and checks. */
import type { Schema } from "apache-arrow";
import type { WriteMode } from "./connect/session/dataframe-writer.js";
import type { FromStreamOptions } from "./connect/session/results.js";
import type { SparkSession } from "./connect/session/session.js";
import { SparkStreamError } from "./errors.js";
import { type RunOptions, runOptions } from "./runtime/call-options.js";
import {
  byteCount,
  checkArgument,
  checkOptions,
  filled,
  flag,
  INT_MAX,
  isBag,
  isFilled,
  isObject,
  nested,
  type OptionTable,
  oneOf,
  whole,
} from "./runtime/check-options.js";
import { type ReachOptions, reachOptions } from "./runtime/reach-options.js";

/** A table, or files in a directory that the executors share. */
export type WriteTarget =
  | { readonly table: string; readonly path?: undefined; readonly format?: string }
  | { readonly path: string; readonly table?: undefined; readonly format?: string };

export interface SparkWriterOptions extends RunOptions {
  /**
   * How the rows go to Spark:
   *
   *   upload  the default: through the driver, in portions that are kept on the executors' disks until all have come, and are
   *           then written in one go. Needs checkpoints (Spark 4.0) for more than 64 MiB
   *   pull    past the driver: Spark's executors connect to this process and fetch the batches. They need Python with pyarrow,
   *           and a way to this process
   */
  delivery?: "upload" | "pull";
  /** The columns of a stream that may end without any batch. */
  schema?: Schema;
  /** What to do if the target exists. Default: "error". */
  mode?: WriteMode;
  /** One directory per value of these columns. */
  partitionBy?: readonly string[];
  /** Options of the format, as those of `df.write`. */
  options?: Readonly<Record<string, string | number | boolean>>;
  /** Bytes of Arrow data that wait here, which are those of a portion with "upload". Default: 8 MiB. */
  readAheadBytes?: number;
  /** With `delivery: "pull"`. */
  pull?: PullOptions;
}

/** How executors reach this process, and what is kept for tasks that fail. */
export interface PullOptions extends ReachOptions {
  /**
   * Whether all batches are kept in temporary files until the write has ended, so that a task that fails can be repeated. Without it
   * a failed task fails the write. Default: false.
   */
  spool?: boolean;
  /** Tasks that fetch. Default: as many as the server runs at a time (spark.default.parallelism). */
  tasks?: number;
}

export const writeDefaults = { readAheadBytes: 8 * 1024 * 1024 } as const;

const pullOptions: OptionTable<PullOptions> = {
  ...reachOptions,
  spool: flag,
  tasks: whole(1, INT_MAX, "tasks"),
};

const sparkWriterOptions: OptionTable<SparkWriterOptions> = {
  ...runOptions,
  delivery: oneOf("upload", "pull"),
  schema: [(schema) => isObject(schema) && "fields" in schema, "an apache-arrow Schema"],
  mode: oneOf("append", "overwrite", "error", "errorIfExists", "errorifexists", "default", "ignore"),
  partitionBy: [(names) => Array.isArray(names) && names.every(isFilled), "an array of the names of columns"],
  options: [isBag, "an object of strings, numbers and booleans"],
  readAheadBytes: byteCount,
  pull: nested(pullOptions),
};

const fromStreamOptions: OptionTable<FromStreamOptions> = {
  delivery: sparkWriterOptions.delivery,
  once: flag,
  schema: sparkWriterOptions.schema,
  readAheadBytes: byteCount,
  pull: sparkWriterOptions.pull,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkFromStream(options: FromStreamOptions): void {
  checkOptions("fromStream()", options, fromStreamOptions);
  if (options.once && options.delivery === "upload") {
    throw new SparkStreamError("INVALID_ARGUMENT", 'once of fromStream() goes with delivery: "pull".');
  }
  checkPull("fromStream()", options.once ? { ...options, delivery: "pull" } : options);
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkWrite(spark: SparkSession, target: WriteTarget, options: SparkWriterOptions): void {
  const isSession = (value: unknown) => isObject(value) && "checkOpen" in value;
  checkArgument("sparkWriter()", "spark", spark, [isSession, "a session of connect()"]);
  checkArgument("sparkWriter()", "target", target, [isBag, "{ table } or { path, format }"]);
  for (const name of Object.keys(target)) {
    if (["table", "path", "format"].includes(name)) continue;
    throw new SparkStreamError(
      "INVALID_ARGUMENT",
      `The target of sparkWriter() has no ${JSON.stringify(name)}: it is { table } or { path, format }.`,
    );
  }
  const { table, path, format } = target;
  if ((table === undefined) === (path === undefined)) {
    throw new SparkStreamError(
      "INVALID_ARGUMENT",
      "The target of sparkWriter() is { table } or { path, format }: one of table and path.",
    );
  }
  checkArgument("sparkWriter()", table === undefined ? "target.path" : "target.table", table ?? path, filled);
  if (format !== undefined) checkArgument("sparkWriter()", "target.format", format, filled);
  checkOptions("sparkWriter()", options, sparkWriterOptions);
  checkPull("sparkWriter()", options);
}

function checkPull(of: string, { delivery, pull }: Pick<SparkWriterOptions, "delivery" | "pull">): void {
  if (pull === undefined || delivery === "pull") return;
  throw new SparkStreamError("INVALID_ARGUMENT", `${of} has options for pull. They go with delivery: "pull".`);
}
