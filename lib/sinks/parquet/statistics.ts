/**
 * The smallest and the largest value of a column chunk, as readers compare them to skip row groups (parquet.thrift,
 * ColumnOrder).
 */
import type { Values } from "./values.js";

/** Both as in the encoding PLAIN, without a length. */
export interface Range {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

export interface Statistics<V extends Values = Values> {
  add(values: V): void;
  /** Undefined where there is none, or none that helps. */
  range(): Range | undefined;
}
