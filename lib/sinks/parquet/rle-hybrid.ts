/**
 * Parquet's RLE/bit-packing hybrid (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"), for levels and for indices
 * into a dictionary. Runs, one after the other:
 *
 *     repeated     varint count << 1, the value in whole bytes
 *     bit-packed   varint groups << 1 | 1, groups of 8 values of `bitWidth` bits each, the last one filled up with zeros
 */
import type { ByteBuffer } from "./byte-buffer.js";

const GROUP = 8;

/** The number of bits for numbers from 0 to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

export function writeRleRun(out: ByteBuffer, value: number, count: number, width: number): void {
  out.varint(2 * count);
  for (let shift = 0; shift < width; shift += 8) out.byte((value >>> shift) & 255);
}

/**
 * Writes values as runs. Repeated runs begin at group boundaries, so that bit-packed runs need no look-back.
 *
 * @param width the bits of a value, at most 24
 */
export function writeRleHybrid(out: ByteBuffer, values: Uint8Array | Int32Array, count: number, width: number): void {
  let packedFrom = 0;
  for (let index = 0; index < count; ) {
    const first = values[index]!;
    let end = index + 1;
    while (end < count && values[end] === first) end++;
    if (end - index < GROUP) {
      index = Math.min(count, index + GROUP);
      continue;
    }
    writeBitPackedRun(out, values, packedFrom, index, width);
    writeRleRun(out, first, end - index, width);
    packedFrom = end;
    index = end;
  }
  writeBitPackedRun(out, values, packedFrom, count, width);
}

function writeBitPackedRun(
  out: ByteBuffer,
  values: Uint8Array | Int32Array,
  from: number,
  to: number,
  width: number,
): void {
  if (from === to) return;
  const groups = Math.ceil((to - from) / GROUP);
  out.varint(2 * groups + 1);
  let position = out.grow(groups * width);
  const { bytes } = out;
  let bits = 0;
  let pending = 0;
  for (let index = from; index < to; index++) {
    bits |= values[index]! << pending;
    pending += width;
    while (pending >= 8) {
      bytes[position++] = bits;
      bits >>>= 8;
      pending -= 8;
    }
  }
  if (pending > 0) bytes[position++] = bits;
  bytes.fill(0, position, out.length);
}
