/** A dictionary of strings and binaries. */
import { ByteBuffer } from "./byte-buffer.js";
import { copyBytes, takeBytes, viewOf } from "./byte-values.js";
import type { Dictionary } from "./dictionary.js";
import { INITIAL_SLOTS, MAX_PROBES, rehashed, shiftOf } from "./hash-slots.js";
import type { ByteValues } from "./values.js";

export class ByteDictionary implements Dictionary<ByteValues> {
  size = 0;
  /** The size, in bytes, of the length before each value. */
  readonly #prefix: number;
  readonly #limit: number;
  readonly #bytes = new ByteBuffer();
  /** A view of those bytes, which reads four of them as fast as one. */
  #view = viewOf(this.#bytes.bytes);
  #slots = new Int32Array(INITIAL_SLOTS);
  #hashes = new Int32Array(INITIAL_SLOTS / 2);
  #offsets = new Int32Array(INITIAL_SLOTS / 2 + 1);

  constructor(prefix: number, limit: number) {
    this.#prefix = prefix;
    this.#limit = limit;
  }

  add({ count, bytes, offsets }: ByteValues, indices: Int32Array, at: number): boolean {
    const view = viewOf(bytes);
    let slots = this.#slots;
    let shift = shiftOf(slots);
    for (let index = 0; index < count; index++) {
      const from = offsets[index]!;
      const to = offsets[index + 1]!;
      const hash = hashOf(view, from, to);
      let slot = hash >>> shift;
      let found = slots[slot]! - 1;
      for (let probes = 0; found >= 0 && !this.#isAt(found, hash, view, from, to); probes++) {
        if (probes === MAX_PROBES) return false;
        slot = (slot + 1) & (slots.length - 1);
        found = slots[slot]! - 1;
      }
      if (found < 0) {
        if (this.#bytes.length + to - from + this.#prefix * (this.size + 1) > this.#limit) return false;
        found = this.#added(slot, hash, bytes, from, to);
        slots = this.#slots;
        shift = shiftOf(slots);
      }
      indices[at + index] = found;
    }
    return true;
  }

  values(): ByteValues {
    return { count: this.size, bytes: this.#bytes.view(), offsets: this.#offsets.subarray(0, this.size + 1) };
  }

  take(indices: Int32Array): ByteValues {
    return takeBytes(this.#bytes.bytes, this.#offsets, indices);
  }

  clear(): void {
    this.size = 0;
    this.#bytes.clear();
    this.#slots = new Int32Array(INITIAL_SLOTS);
    this.#hashes = new Int32Array(INITIAL_SLOTS / 2);
    this.#offsets = new Int32Array(INITIAL_SLOTS / 2 + 1);
  }

  #isAt(found: number, hash: number, view: DataView, from: number, to: number): boolean {
    const start = this.#offsets[found]!;
    if (this.#hashes[found] !== hash || this.#offsets[found + 1]! - start !== to - from) return false;
    const known = this.#view;
    let index = from;
    let other = start;
    for (; index + 4 <= to; index += 4, other += 4) {
      if (view.getInt32(index, true) !== known.getInt32(other, true)) return false;
    }
    for (; index < to; index++, other++) if (view.getUint8(index) !== known.getUint8(other)) return false;
    return true;
  }

  #added(slot: number, hash: number, bytes: Uint8Array, from: number, to: number): number {
    const start = this.#bytes.grow(to - from);
    if (this.#view.buffer !== this.#bytes.bytes.buffer) this.#view = viewOf(this.#bytes.bytes);
    copyBytes(this.#bytes.bytes, start, bytes, from, to);
    const index = this.size++;
    this.#slots[slot] = this.size;
    this.#hashes[index] = hash;
    this.#offsets[this.size] = this.#bytes.length;
    if (2 * this.size === this.#slots.length) this.#grow();
    return index;
  }

  #grow(): void {
    this.#slots = rehashed(this.#slots, this.size, (index) => this.#hashes[index]!);
    this.#hashes = twice(this.#hashes, 0);
    this.#offsets = twice(this.#offsets, 1);
  }
}

/** Doubles an array, not counting `rest` extra elements. */
function twice(array: Int32Array, rest: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * (array.length - rest) + rest);
  grown.set(array);
  return grown;
}

/** Hashes like MurmurHash3, four bytes at a time. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = to - from;
  let index = from;
  for (; index + 4 <= to; index += 4) hash = mixed(hash, view.getInt32(index, true));
  if (index < to) {
    let rest = 0;
    for (; index < to; index++) rest = (rest << 8) | view.getUint8(index);
    hash = mixed(hash, rest);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
}

function mixed(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const turned = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}
