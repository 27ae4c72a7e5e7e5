/** What a DataFrame gives its rows by. It is made above this client (results.ts) and given to each session. */
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { RecordBatch, Schema, Table } from "apache-arrow";
import type { ReachOptions } from "../../runtime/reach-options.js";
import type { ValueOptions } from "../../sinks/values/value-options.js";
import type { SparkStreamOptions } from "../../stream-options.js";
import type { Planned } from "./plan.js";

/** A row as `rows()` makes it, if no other type is given. */
export type Row = Record<string, unknown>;

/** Options of `df.rows()`: those of `sparkStream()` and those of `rows()`. */
export type RowsOfOptions = SparkStreamOptions & ValueOptions;

/** Options of `df.collect()`: those of `df.rows()`, and a bound. */
export type CollectOptions = RowsOfOptions & {
  /** Bytes of Arrow data that the result may have. Default: 256 MiB. */
  maxBytes?: number;
};

/** Options of `df.toTable()`: those of `sparkStream()`, and a bound. */
export type ToTableOptions = SparkStreamOptions & Pick<CollectOptions, "maxBytes">;

/** A core Readable of rows. */
export type DataFrameRows<T = Row> = Readable & {
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<T>;
};

/** What `spark.fromStream()` takes: record batches of one schema, or row objects. */
export type StreamInput = AsyncIterable<RecordBatch | object> | Iterable<RecordBatch | object> | ReadableStream;

/** Options of `spark.fromStream()`. */
export interface FromStreamOptions {
  /** How the rows go to Spark, as with `sparkWriter()`: "upload", the default, or "pull". */
  delivery?: "upload" | "pull";
  /**
   * Whether one query takes the rows past any copy, by "pull". If Spark reads them a second time, as it does to sort, that query
   * fails with INPUT_LOST, unless `pull: { spool: true }` keeps them here. The stream is open until its rows were taken, the frame
   * was removed by `unpersist()`, or the session ends. Default: false.
   */
  once?: boolean;
  /** The columns. Default: those of the first batch, or of the first 1,000 row objects. */
  schema?: Schema;
  /** Bytes of Arrow data that wait here, which are those of a portion with "upload". Default: 8 MiB. */
  readAheadBytes?: number;
  /** With "pull": how executors reach this process, and whether batches are kept for tasks that fail; see `sparkWriter()`. */
  pull?: ReachOptions & { spool?: boolean; tasks?: number };
}

/** @internal */
export interface Results {
  fromStream(session: object, source: StreamInput, options: FromStreamOptions): Planned;
  rows(frame: Planned, options: RowsOfOptions): DataFrameRows;
  collect(frame: Planned, options: CollectOptions): Promise<Row[]>;
  toTable(frame: Planned, options: ToTableOptions): Promise<Table>;
}
