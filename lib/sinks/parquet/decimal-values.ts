/** Converts Arrow's decimals, little-endian integers of 32 to 256 bits, to the sizes that Parquet has for them. */

import { fixedByteValues } from "./byte-values.js";
import { ReusableArray } from "./reusable-array.js";
import { type ByteValues, InvalidValues, type WordValues } from "./values.js";

const reusedWords = new ReusableArray(Int32Array);

/**
 * Converts to words. They are in an array that the next call reuses, unless they are the source itself.
 *
 * @param width the size of a source value, in 32-bit words
 * @param target the size of a result, in 32-bit words
 */
export function decimalWords(
  source: Int32Array,
  width: number,
  target: 1 | 2,
  positions: Int32Array | undefined,
): WordValues {
  const count = positions?.length ?? source.length / width;
  if (width === target && positions === undefined) return { count, words: source };
  const words = reusedWords.take(target * count);
  for (let index = 0; index < count; index++) {
    const from = width * (positions === undefined ? index : positions[index]!);
    let last = source[from]!;
    words[target * index] = last;
    if (target === 2) {
      last = width > 1 ? source[from + 1]! : last >> 31;
      words[2 * index + 1] = last;
    }
    for (let word = target; word < width; word++) if (source[from + word] !== last >> 31) throw tooLarge();
  }
  return { count, words };
}

/** Converts to big-endian numbers of `length` bytes each. */
export function decimalBytes(
  source: Uint8Array,
  width: number,
  length: number,
  positions: Int32Array | undefined,
): ByteValues {
  const size = 4 * width;
  const count = positions?.length ?? source.length / size;
  const bytes = new Uint8Array(length * count);
  for (let index = 0; index < count; index++) {
    const from = size * (positions === undefined ? index : positions[index]!);
    const sign = source[from + Math.min(size, length) - 1]! >> 7 ? 255 : 0;
    let next = length * (index + 1);
    for (let byte = 0; byte < length; byte++) bytes[--next] = byte < size ? source[from + byte]! : sign;
    for (let byte = length; byte < size; byte++) if (source[from + byte] !== sign) throw tooLarge();
  }
  return fixedByteValues(bytes, length, undefined);
}

function tooLarge(): InvalidValues {
  return new InvalidValues("a decimal that has more digits than its precision");
}
