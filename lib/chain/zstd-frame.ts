export interface ZstdFrameHeader {
  /** Bytes that the frame holds, if it states them. */
  readonly contentSize: number | undefined;
  /** Bytes of the content that must be kept to read the rest; 0: all of a content whose size is stated. */
  readonly windowSize: number;
}

/**
 * Reads the header of a zstd frame (RFC 8878, 3.1.1.1). Whether it is one is not checked.
 *
 *   bytes      what
 *   0..3       magic number
 *   4          descriptor: bits 6-7 how the content size is written, 5 single segment, 0-1 how the dictionary id is
 *   then       window descriptor, 1 byte, unless single segment: bits 3-7 exponent, 0-2 mantissa
 *   then       dictionary id, 0, 1, 2 or 4 bytes
 *   then       content size, 0, 2, 4 or 8 bytes; 1 in place of 0 if single segment
 *
 * @throws RangeError where the bytes end too soon
 */
export function zstdFrameHeader(frame: Uint8Array): ZstdFrameHeader {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeAt = (singleSegment ? 5 : 6) + [0, 1, 2, 4][descriptor & 3]!;
  return {
    contentSize: contentSize(view, descriptor >> 6, singleSegment, sizeAt),
    windowSize: singleSegment ? 0 : windowSize(view.getUint8(5)),
  };
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
