/** The most bytes that one byte of a compressed block can expand to. */
const EXPANSION = 255;

/**
 * Returns the most bytes that an lz4 frame can decompress to, computed from its blocks (LZ4 Frame Format 1.6).
 *
 *   bytes      what
 *   0..3       magic number
 *   4          flags: bit 4 blocks have checksums, 3 content size, 2 content checksum, 0 dictionary id
 *   5          bits 4-6 bytes of the largest block: 4 64 KiB, 5 256 KiB, 6 1 MiB, 7 4 MiB
 *   then       content size, 0 or 8 bytes; dictionary id, 0 or 4; checksum of the header, 1
 *   then       blocks: 4 bytes of size, of which the highest bit says that it is not compressed; its bytes; checksum, 0 or 4
 *   then       0, 4 bytes; content checksum, 0 or 4
 *
 * @throws RangeError if the frame is truncated, or more bytes follow it
 */
export function lz4ContentBound(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const flags = view.getUint8(4);
  const largest = 2 ** (8 + 2 * ((view.getUint8(5) >> 4) & 7));
  const checksum = flags & 0x10 ? 4 : 0;
  let position = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let bound = 0;
  for (let head = view.getUint32(position, true); head !== 0; head = view.getUint32(position, true)) {
    const size = head & 0x7fffffff;
    bound += Math.min(head >>> 31 ? size : size * EXPANSION, largest);
    position += 4 + size + checksum;
  }
  position += 4 + (flags & 0x04 ? 4 : 0);
  if (position !== frame.length) throw new RangeError(`The frame has ${position} bytes of ${frame.length}.`);
  return bound;
}
