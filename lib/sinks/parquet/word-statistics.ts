import type { Range, Statistics } from "./statistics.js";
import type { WordValues } from "./values.js";

const SIGN = 0x80000000 | 0;

/** Statistics of 32-bit integers. Unsigned numbers are compared as signed ones with the highest bit flipped. */
export class IntStatistics implements Statistics<WordValues> {
  readonly #bias: number;
  #min = 0x7fffffff;
  #max = SIGN;
  #any = false;

  constructor(unsigned: boolean) {
    this.#bias = unsigned ? SIGN : 0;
  }

  add({ count, words }: WordValues): void {
    const bias = this.#bias;
    let [min, max] = [this.#min, this.#max];
    for (let index = 0; index < count; index++) {
      const value = words[index]! ^ bias;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    [this.#min, this.#max] = [min, max];
    this.#any ||= count > 0;
  }

  range(): Range | undefined {
    return this.#any ? { min: bytesOf(this.#min ^ this.#bias), max: bytesOf(this.#max ^ this.#bias) } : undefined;
  }
}

/** Statistics of 64-bit integers, like {@link IntStatistics}: upper words first; lower words are always unsigned. */
export class LongStatistics implements Statistics<WordValues> {
  readonly #bias: number;
  #minHigh = 0x7fffffff;
  #minLow = 0x7fffffff;
  #maxHigh = SIGN;
  #maxLow = SIGN;
  #any = false;

  constructor(unsigned: boolean) {
    this.#bias = unsigned ? SIGN : 0;
  }

  add({ count, words }: WordValues): void {
    const bias = this.#bias;
    let [minHigh, minLow, maxHigh, maxLow] = [this.#minHigh, this.#minLow, this.#maxHigh, this.#maxLow];
    for (let index = 0; index < count; index++) {
      const low = words[2 * index]! ^ SIGN;
      const high = words[2 * index + 1]! ^ bias;
      if (high < minHigh || (high === minHigh && low < minLow)) {
        minHigh = high;
        minLow = low;
      }
      if (high > maxHigh || (high === maxHigh && low > maxLow)) {
        maxHigh = high;
        maxLow = low;
      }
    }
    [this.#minHigh, this.#minLow, this.#maxHigh, this.#maxLow] = [minHigh, minLow, maxHigh, maxLow];
    this.#any ||= count > 0;
  }

  range(): Range | undefined {
    const bytes = (low: number, high: number) => bytesOf(low ^ SIGN, high ^ this.#bias);
    if (!this.#any) return undefined;
    return { min: bytes(this.#minLow, this.#minHigh), max: bytes(this.#maxLow, this.#maxHigh) };
  }
}

/**
 * Statistics of floats. There is no range if a value is NaN: Spark and DuckDB sort NaN above all numbers, so the
 * largest of the other values would make them skip matching rows. Zero stands for both zeros.
 */
export class FloatStatistics implements Statistics<WordValues> {
  readonly #array: typeof Float32Array | typeof Float64Array;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #nan = false;

  constructor(array: typeof Float32Array | typeof Float64Array) {
    this.#array = array;
  }

  add({ count, words }: WordValues): void {
    const values = new this.#array(words.buffer as ArrayBuffer, words.byteOffset, count);
    let [min, max, nan] = [this.#min, this.#max, this.#nan];
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      if (value < min) min = value;
      if (value > max) max = value;
      nan ||= Number.isNaN(value);
    }
    [this.#min, this.#max, this.#nan] = [min, max, nan];
  }

  range(): Range | undefined {
    if (this.#nan || this.#min > this.#max) return undefined;
    const bytes = (value: number) => new Uint8Array(this.#array.of(value).buffer);
    return { min: bytes(this.#min || -0), max: bytes(this.#max || 0) };
  }
}

function bytesOf(...words: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(words).buffer);
}
