import { viewOf } from "./byte-values.js";
import type { Range, Statistics } from "./statistics.js";
import type { ByteValues } from "./values.js";

/** The most bytes of a range's two ends, as in parquet-mr and Arrow; a larger one would cost more than it saves. */
const MAX_RANGE = 4096;

/** Statistics of values compared byte by byte, unsigned; a signed number has its sign in the first byte. */
export class ByteStatistics implements Statistics<ByteValues> {
  readonly #signBit: number;
  #range: Range | undefined;
  #tooLong = false;

  /** @param signed whether values are signed big-endian numbers of one size */
  constructor(signed: boolean) {
    this.#signBit = signed ? 0x80 : 0;
  }

  add({ count, bytes, offsets }: ByteValues): void {
    if (count === 0 || this.#tooLong) return;
    let min = 0;
    let max = 0;
    const view = viewOf(bytes);
    const flip = this.#signBit << 24;
    let minHead = headOf(view, offsets[0]!, offsets[1]!, flip);
    let maxHead = minHead;
    for (let index = 1; index < count; index++) {
      const from = offsets[index]!;
      const to = offsets[index + 1]!;
      const head = headOf(view, from, to, flip);
      if (head > minHead && head < maxHead) continue;
      if (compared(bytes, from, to, bytes, offsets[min]!, offsets[min + 1]!, this.#signBit) < 0) {
        min = index;
        minHead = head;
      } else if (compared(bytes, from, to, bytes, offsets[max]!, offsets[max + 1]!, this.#signBit) > 0) {
        max = index;
        maxHead = head;
      }
    }
    const value = (index: number) => bytes.subarray(offsets[index]!, offsets[index + 1]!);
    const known = this.#range;
    const least = known && this.#compare(known.min, value(min)) <= 0 ? known.min : value(min);
    const most = known && this.#compare(known.max, value(max)) >= 0 ? known.max : value(max);
    this.#tooLong = least.length + most.length > MAX_RANGE;
    // A view would keep the batch alive.
    if (!this.#tooLong) this.#range = { min: Uint8Array.from(least), max: Uint8Array.from(most) };
  }

  range(): Range | undefined {
    return this.#tooLong ? undefined : this.#range;
  }

  #compare(one: Uint8Array, other: Uint8Array): number {
    return compared(one, 0, one.length, other, 0, other.length, this.#signBit);
  }
}

/** The first four bytes as a number, padded with zeros. It suffices to rule out most values as smallest or largest. */
function headOf(view: DataView, from: number, to: number, flip: number): number {
  if (to - from >= 4) return (view.getInt32(from) ^ flip) >>> 0;
  let head = 0;
  for (let index = 0; index < 4; index++) head = (head << 8) | (from + index < to ? view.getUint8(from + index) : 0);
  return (head ^ flip) >>> 0;
}

function compared(
  one: Uint8Array,
  from: number,
  to: number,
  other: Uint8Array,
  otherFrom: number,
  otherTo: number,
  signBit: number,
): number {
  const length = Math.min(to - from, otherTo - otherFrom);
  for (let index = 0; index < length; index++) {
    const difference = one[from + index]! - other[otherFrom + index]!;
    if (difference === 0) continue;
    return index === 0 && signBit ? (one[from]! ^ signBit) - (other[otherFrom]! ^ signBit) : difference;
  }
  return to - from - (otherTo - otherFrom);
}
