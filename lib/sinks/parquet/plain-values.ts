/**
 * Collects values in the encoding PLAIN: words and fixed-length bytes unchanged, other bytes after their length,
 * booleans as bits.
 */
import { ByteBuffer } from "./byte-buffer.js";
import { LONG, viewOf } from "./byte-values.js";
import type { PhysicalType } from "./format.js";
import type { BooleanValues, ByteValues, Values, WordValues } from "./values.js";

/** The size of the values in PLAIN, in bytes; for booleans the size in memory. */
export function plainSize(physical: PhysicalType, values: Values): number {
  if ("words" in values) return values.words.byteLength;
  if ("booleans" in values) return values.count;
  const { offsets, count } = values;
  return offsets[count]! - offsets[0]! + (physical === "BYTE_ARRAY" ? 4 * count : 0);
}

export class PlainValues {
  readonly #physical: PhysicalType;
  readonly #buffer = new ByteBuffer();

  constructor(physical: PhysicalType) {
    this.#physical = physical;
  }

  /** Bytes in memory. */
  get byteLength(): number {
    return this.#buffer.length;
  }

  append(values: Values): void {
    if (this.#physical === "BOOLEAN") this.#buffer.append((values as BooleanValues).booleans);
    else if (this.#physical === "BYTE_ARRAY") {
      const start = this.#buffer.grow(plainSize(this.#physical, values));
      writePrefixed(this.#buffer.bytes, start, values as ByteValues);
    } else if (this.#physical === "FIXED_LEN_BYTE_ARRAY") {
      const { bytes, offsets, count } = values as ByteValues;
      this.#buffer.append(bytes.subarray(offsets[0]!, offsets[count]!));
    } else {
      const { words } = values as WordValues;
      this.#buffer.append(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
    }
  }

  /** A view, until the next call. */
  take(): Uint8Array {
    const view = this.#buffer.view();
    this.#buffer.clear();
    return this.#physical === "BOOLEAN" ? packed(view) : view;
  }
}

/** Copies short values word by word through views; the engine's own copy is faster for long ones. */
function writePrefixed(target: Uint8Array, start: number, { bytes: source, offsets, count }: ByteValues): void {
  const out = viewOf(target);
  const view = viewOf(source);
  for (let index = 0, at = start; index < count; index++) {
    let from = offsets[index]!;
    const to = offsets[index + 1]!;
    out.setInt32(at, to - from, true);
    at += 4;
    if (to - from >= LONG) {
      target.set(source.subarray(from, to), at);
      at += to - from;
      continue;
    }
    for (; from + 4 <= to; from += 4, at += 4) out.setInt32(at, view.getInt32(from, true), true);
    for (; from < to; from++, at++) out.setUint8(at, view.getUint8(from));
  }
}

function packed(booleans: Uint8Array): Uint8Array {
  const bits = new Uint8Array((booleans.length + 7) >> 3);
  for (let index = 0; index < booleans.length; index++) bits[index >> 3]! |= booleans[index]! << (index & 7);
  return bits;
}
