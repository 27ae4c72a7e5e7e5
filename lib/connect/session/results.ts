/** What a DataFrame gives its rows by. It is made above this client (results.ts) and given to each session. */
import type { Readable } from "node:stream";
import type { Table } from "apache-arrow";
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

/** @internal */
export interface Results {
  rows(frame: Planned, options: RowsOfOptions): DataFrameRows;
  collect(frame: Planned, options: CollectOptions): Promise<Row[]>;
  toTable(frame: Planned, options: ToTableOptions): Promise<Table>;
}
