/**
 * The smallest and the largest value of a column chunk, as readers compare them to skip row groups (parquet.thrift,
 * ColumnOrder).
 */
import { BooleanStatistics, ByteStatistics, HalfStatistics } from "./byte-statistics.js";
import type { ParquetType } from "./parquet-type.js";
import type { Values } from "./values.js";
import { FloatStatistics, IntStatistics, LongStatistics } from "./word-statistics.js";

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

/** For one column chunk; undefined where the format defines no order. */
export function statisticsFor({ physical, order }: ParquetType): Statistics | undefined {
  return order === "none" ? undefined : (makers[physical](order) as Statistics);
}

const makers: { readonly [physical in ParquetType["physical"]]: (order: ParquetType["order"]) => unknown } = {
  BOOLEAN: () => new BooleanStatistics(),
  INT32: (order) => new IntStatistics(order === "unsigned"),
  INT64: (order) => new LongStatistics(order === "unsigned"),
  FLOAT: () => new FloatStatistics(Float32Array),
  DOUBLE: () => new FloatStatistics(Float64Array),
  BYTE_ARRAY: () => new ByteStatistics(false),
  FIXED_LEN_BYTE_ARRAY: (order) => (order === "float" ? new HalfStatistics() : new ByteStatistics(order === "signed")),
};
