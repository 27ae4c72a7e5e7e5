import type { Range, Statistics } from "./statistics.js";
import type { ByteValues } from "./values.js";
import { FloatStatistics } from "./word-statistics.js";

/** Statistics of 16-bit floats, each of which a 32-bit float represents exactly. */
export class HalfStatistics implements Statistics<ByteValues> {
  readonly #floats = new FloatStatistics(Float32Array);

  add({ count, bytes, offsets }: ByteValues): void {
    const values = new Float32Array(count);
    for (let index = 0; index < count; index++) {
      values[index] = halfToNumber(bytes[offsets[index]!]! | (bytes[offsets[index]! + 1]! << 8));
    }
    this.#floats.add({ count, words: new Int32Array(values.buffer) });
  }

  range(): Range | undefined {
    const range = this.#floats.range();
    const half = (bytes: Uint8Array) => numberToHalf(new Float32Array(bytes.buffer as ArrayBuffer)[0]!);
    return range && { min: half(range.min), max: half(range.max) };
  }
}

/** 1 bit of sign, 5 of exponent, 10 of fraction (IEEE 754, binary16). */
function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const size =
    exponent === 31
      ? fraction === 0
        ? Number.POSITIVE_INFINITY
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return half >> 15 ? -size : size;
}

/** The reverse, for a number that was a half. */
function numberToHalf(value: number): Uint8Array {
  const size = Math.abs(value);
  const exponent = size === 0 ? 0 : Math.max(0, Math.floor(Math.log2(size)) + 15);
  const fraction = exponent === 0 ? size * 2 ** 24 : size * 2 ** (25 - exponent) - 1024;
  const half = size === Number.POSITIVE_INFINITY ? 31 << 10 : (exponent << 10) | fraction;
  const signed = Object.is(value, -0) || value < 0 ? half | 0x8000 : half;
  return Uint8Array.of(signed & 255, signed >> 8);
}
