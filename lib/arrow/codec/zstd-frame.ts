export interface ZstdFrameHeader {
  /** Bytes that the frame holds, if it states them. */
  readonly contentSize: number | undefined;
  /**
   * Bytes of earlier content that a decoder must keep to read the rest; 0: all of it, and the content size is stated.
   */
  readonly windowSize: number;
  /** Size of the header itself, in bytes. */
  readonly length: number;
}

/** The most bytes that a compressed block may hold (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 128 * 1024;

/**
 * Reads the header of a zstd frame (RFC 8878, 3.1.1.1). It does not check the magic number.
 *
 *   bytes      what
 *   0..3       magic number
 *   4          descriptor: bits 6-7 how the content size is written, 5 single segment, 0-1 how the dictionary id is
 *   then       window descriptor, 1 byte, unless single segment: bits 3-7 exponent, 0-2 mantissa
 *   then       dictionary id, 0, 1, 2 or 4 bytes
 *   then       content size, 0, 2, 4 or 8 bytes; 1 in place of 0 if single segment
 *
 * @throws RangeError if the bytes are truncated
 */
export function zstdFrameHeader(frame: Uint8Array): ZstdFrameHeader {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const form = descriptor >> 6;
  const sizeAt = (singleSegment ? 5 : 6) + [0, 1, 2, 4][descriptor & 3]!;
  return {
    contentSize: contentSize(view, form, singleSegment, sizeAt),
    windowSize: singleSegment ? 0 : windowSize(view.getUint8(5)),
    length: sizeAt + (form === 0 ? Number(singleSegment) : 2 ** form),
  };
}

/**
 * Returns the most bytes that a frame can hold: the stated size, or the sum over its blocks (RFC 8878, 3.1.1.2; each
 * block has a header of three bytes, little-endian: bit 0 last block, bits 1-2 type, the rest a size).
 *
 * @throws RangeError if the frame is truncated, or more bytes follow it
 */
export function zstdContentBound(frame: Uint8Array): number {
  const { contentSize, length } = zstdFrameHeader(frame);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let [position, bound, last] = [length, 0, false];
  while (!last) {
    const head = view.getUint16(position, true) + (view.getUint8(position + 2) << 16);
    last = (head & 1) === 1;
    const [type, size] = [(head >> 1) & 3, head >> 3];
    bound += type === 2 ? MAX_BLOCK : size;
    position += 3 + (type === 1 ? 1 : size); // an RLE block stores just the byte that it repeats
  }
  const checksum = (frame[4]! & 4) === 0 ? 0 : 4;
  if (position + checksum !== frame.length)
    throw new RangeError(`The frame has ${position + checksum} bytes of ${frame.length}.`);
  return contentSize ?? bound;
}

function contentSize(view: DataView, form: number, singleSegment: boolean, position: number): number | undefined {
  switch (form) {
    case 0:
      return singleSegment ? view.getUint8(position) : undefined;
    case 1:
      return view.getUint16(position, true) + 256;
    case 2:
      return view.getUint32(position, true);
    default:
      return Number(view.getBigUint64(position, true));
  }
}

function windowSize(descriptor: number): number {
  return 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8);
}
