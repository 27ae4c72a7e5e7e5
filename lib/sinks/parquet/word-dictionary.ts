/**
 * A dictionary of numbers of one or two words. Numbers are equal if their bits are, so NaN and -0.0 are kept. Each
 * width has its own loop, since it runs once per value.
 */
import type { Dictionary } from "./dictionary.js";
import { INITIAL_SLOTS, MAX_PROBES, rehashed, shiftOf } from "./hash-slots.js";
import { takeWords, type WordValues } from "./values.js";

const MULTIPLIER = 0x9e3779b1;

export class WordDictionary implements Dictionary<WordValues> {
  size = 0;
  readonly #width: 1 | 2;
  readonly #maxSize: number;
  #slots = new Int32Array(INITIAL_SLOTS);
  #words: Int32Array<ArrayBuffer>;

  constructor(width: 1 | 2, limit: number) {
    this.#width = width;
    this.#maxSize = Math.floor(limit / (4 * width));
    this.#words = new Int32Array((INITIAL_SLOTS / 2) * width);
  }

  add(values: WordValues, indices: Int32Array, at: number): boolean {
    return this.#width === 1 ? this.#add(values, indices, at) : this.#addPairs(values, indices, at);
  }

  values(): WordValues {
    return { count: this.size, words: this.#words.subarray(0, this.#width * this.size) };
  }

  take(indices: Int32Array): WordValues {
    return takeWords(this.#words, this.#width, indices);
  }

  clear(): void {
    this.size = 0;
    this.#slots = new Int32Array(INITIAL_SLOTS);
    this.#words = new Int32Array((INITIAL_SLOTS / 2) * this.#width);
  }

  #add({ count, words }: WordValues, indices: Int32Array, at: number): boolean {
    let [slots, known] = [this.#slots, this.#words];
    let shift = shiftOf(slots);
    for (let index = 0; index < count; index++) {
      const word = words[index]!;
      let slot = Math.imul(word, MULTIPLIER) >>> shift;
      let found = slots[slot]! - 1;
      for (let probes = 0; found >= 0 && known[found] !== word; probes++) {
        if (probes === MAX_PROBES) return false;
        slot = (slot + 1) & (slots.length - 1);
        found = slots[slot]! - 1;
      }
      if (found < 0) {
        if (this.size === this.#maxSize) return false;
        found = this.size++;
        slots[slot] = this.size;
        known[found] = word;
        if (2 * this.size === slots.length) {
          this.#grow();
          [slots, known] = [this.#slots, this.#words];
          shift = shiftOf(slots);
        }
      }
      indices[at + index] = found;
    }
    return true;
  }

  #addPairs({ count, words }: WordValues, indices: Int32Array, at: number): boolean {
    let [slots, known] = [this.#slots, this.#words];
    let shift = shiftOf(slots);
    for (let index = 0; index < count; index++) {
      const low = words[2 * index]!;
      const high = words[2 * index + 1]!;
      let slot = pairHash(low, high) >>> shift;
      let found = slots[slot]! - 1;
      for (let probes = 0; found >= 0 && (known[2 * found] !== low || known[2 * found + 1] !== high); probes++) {
        if (probes === MAX_PROBES) return false;
        slot = (slot + 1) & (slots.length - 1);
        found = slots[slot]! - 1;
      }
      if (found < 0) {
        if (this.size === this.#maxSize) return false;
        found = this.size++;
        slots[slot] = this.size;
        known[2 * found] = low;
        known[2 * found + 1] = high;
        if (2 * this.size === slots.length) {
          this.#grow();
          [slots, known] = [this.#slots, this.#words];
          shift = shiftOf(slots);
        }
      }
      indices[at + index] = found;
    }
    return true;
  }

  #grow(): void {
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.#slots = rehashed(this.#slots, this.size, (index) =>
      this.#width === 1 ? Math.imul(words[index]!, MULTIPLIER) : pairHash(words[2 * index]!, words[2 * index + 1]!),
    );
  }
}

function pairHash(low: number, high: number): number {
  return Math.imul(low ^ Math.imul(high, 0x85ebca77), MULTIPLIER);
}
