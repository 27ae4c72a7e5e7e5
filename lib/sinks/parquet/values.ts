/**
 * The values of one leaf as in Parquet, without nulls, one after the other. The physical type decides which of three
 * forms:
 *
 *     INT32, FLOAT; INT64, DOUBLE          words: one or two 32-bit words each, the lower one first
 *     BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY     bytes, and where each value begins and ends in them
 *     BOOLEAN                              a byte each, 0 or 1
 */
import type { PhysicalType } from "./format.js";

export interface WordValues {
  readonly count: number;
  readonly words: Int32Array;
}

export interface ByteValues {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** `count + 1`; a value ends where the next one begins. */
  readonly offsets: Int32Array;
}

export interface BooleanValues {
  readonly count: number;
  readonly booleans: Uint8Array;
}

export type Values = WordValues | ByteValues | BooleanValues;

/** 32-bit words per value; undefined if values are not words. */
export function wordsOf(physical: PhysicalType): 1 | 2 | undefined {
  if (physical === "INT32" || physical === "FLOAT") return 1;
  return physical === "INT64" || physical === "DOUBLE" ? 2 : undefined;
}

/**
 * Takes the values at `positions`; undefined: all values, not copied.
 *
 * @param words the array to which they are written, if they must be copied
 */
export function takeWords(
  source: Int32Array,
  width: 1 | 2,
  positions: Int32Array | undefined,
  words = new Int32Array(width * (positions?.length ?? 0)),
): WordValues {
  if (positions === undefined) return { count: source.length / width, words: source };
  const count = positions.length;
  if (width === 1) {
    for (let index = 0; index < count; index++) words[index] = source[positions[index]!]!;
  } else {
    for (let index = 0; index < count; index++) {
      const from = 2 * positions[index]!;
      words[2 * index] = source[from]!;
      words[2 * index + 1] = source[from + 1]!;
    }
  }
  return { count, words };
}

/** Values that do not fit their type. The message continues "values that do not fit its type: …". */
export class InvalidValues extends Error {
  override readonly name = "InvalidValues";
}
