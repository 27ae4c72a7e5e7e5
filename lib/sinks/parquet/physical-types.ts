/** Makes the dictionary and the statistics for each physical type of Parquet. */
import { ByteDictionary } from "./byte-dictionary.js";
import { ByteStatistics } from "./byte-statistics.js";
import type { Dictionary } from "./dictionary.js";
import type { PhysicalType } from "./format.js";
import { HalfStatistics } from "./half-statistics.js";
import type { ParquetType } from "./parquet-type.js";
import { BooleanStatistics, type Statistics } from "./statistics.js";
import { wordsOf } from "./values.js";
import { WordDictionary } from "./word-dictionary.js";
import { FloatStatistics, IntStatistics, LongStatistics } from "./word-statistics.js";

/**
 * Makes a dictionary; undefined for booleans, and if there is no room for a value.
 *
 * @param limit the most bytes of all values in the dictionary page
 */
export function dictionaryFor(physical: PhysicalType, limit: number): Dictionary | undefined {
  if (physical === "BOOLEAN" || limit === 0) return undefined;
  const words = wordsOf(physical);
  if (words) return new WordDictionary(words, limit) as Dictionary;
  return new ByteDictionary(physical === "BYTE_ARRAY" ? 4 : 0, limit) as Dictionary;
}

/** Makes the statistics of one column chunk; undefined if the format defines no order. */
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
