/** Converts strings and binaries of all Arrow layouts to {@link ByteValues}. */
import { type ByteValues, InvalidValues } from "./values.js";

/** From this many bytes on, the engine's copy is faster than a loop. */
export const LONG = 128;

export function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

export function copyBytes(target: Uint8Array, at: number, source: Uint8Array, from: number, to: number): void {
  if (to - from >= LONG) target.set(source.subarray(from, to), at);
  else for (let index = from, next = at; index < to; index++) target[next++] = source[index]!;
}

/**
 * The `length + 1` offsets of a field.
 *
 * @throws InvalidValues if they exceed 2 GiB, the limit of a page
 */
export function offsetsOf(buffer: Uint8Array, length: number, kind: "int32" | "int64"): Int32Array {
  if (kind === "int32") return new Int32Array(buffer.buffer, buffer.byteOffset, length + 1);
  const words = new Int32Array(buffer.buffer, buffer.byteOffset, length === 0 ? 2 : 2 * (length + 1));
  const offsets = new Int32Array(length + 1);
  for (let index = 0; index <= length; index++) {
    if (words[2 * index + 1] !== 0 || words[2 * index]! < 0) throw new InvalidValues("a row of it is over 2 GiB");
    offsets[index] = words[2 * index]!;
  }
  return offsets;
}

/** @param positions the values' positions among the offsets; undefined: all */
export function byteValues(bytes: Uint8Array, offsets: Int32Array, positions: Int32Array | undefined): ByteValues {
  if (positions) return takeBytes(bytes, offsets, positions);
  const count = offsets.length - 1;
  for (let index = 0; index < count; index++) {
    if (offsets[index + 1]! < offsets[index]!) throw new InvalidValues("its offsets go backwards");
  }
  return { count, bytes, offsets };
}

/** Takes the values at `positions`, without copying their bytes if they are adjacent. */
export function takeBytes(bytes: Uint8Array, from: Int32Array, positions: Int32Array): ByteValues {
  const count = positions.length;
  const offsets = new Int32Array(count + 1);
  let total = count > 0 ? from[positions[0]!]! : 0;
  const begin = total;
  let inOrder = true;
  for (let index = 0; index < count; index++) {
    const start = from[positions[index]!]!;
    const size = from[positions[index]! + 1]! - start;
    if (size < 0) throw new InvalidValues("its offsets go backwards");
    inOrder &&= start === total;
    offsets[index] = total;
    total += size;
  }
  offsets[count] = total;
  if (inOrder) return { count, bytes, offsets };
  const copy = new Uint8Array(total - begin);
  for (let index = 0; index < count; index++) {
    const start = from[positions[index]!]!;
    offsets[index]! -= begin;
    copyBytes(copy, offsets[index]!, bytes, start, from[positions[index]! + 1]!);
  }
  offsets[count]! -= begin;
  return { count, bytes: copy, offsets };
}

/**
 * The values of views, which have 16 bytes each: an int32 size; up to 12 bytes of data, or 4 that repeat its beginning, an int32 buffer, an int32
 * offset in it.
 */
export function viewValues(
  views: Uint8Array,
  buffers: readonly Uint8Array[],
  length: number,
  positions: Int32Array | undefined,
): ByteValues {
  const view = new DataView(views.buffer, views.byteOffset, views.length);
  const count = positions?.length ?? length;
  const offsets = new Int32Array(count + 1);
  const at = (index: number) => 16 * (positions === undefined ? index : positions[index]!);
  for (let index = 0; index < count; index++) offsets[index + 1] = offsets[index]! + view.getInt32(at(index), true);
  const bytes = new Uint8Array(offsets[count]!);
  for (let index = 0; index < count; index++) {
    const here = at(index);
    const size = view.getInt32(here, true);
    const inside = size <= 12;
    const source = inside ? views : buffers[view.getInt32(here + 8, true)];
    const start = inside ? here + 4 : view.getInt32(here + 12, true);
    if (size < 0 || start < 0 || source === undefined || start + size > source.length) {
      throw new InvalidValues("a view of it leads out of its buffers");
    }
    copyBytes(bytes, offsets[index]!, source, start, start + size);
  }
  return { count, bytes, offsets };
}

/** Values of `width` bytes each. */
export function fixedByteValues(bytes: Uint8Array, width: number, positions: Int32Array | undefined): ByteValues {
  const all = Int32Array.from({ length: bytes.length / width + 1 }, (_, index) => index * width);
  return positions ? takeBytes(bytes, all, positions) : { count: all.length - 1, bytes, offsets: all };
}
