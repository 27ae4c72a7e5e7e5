/**
 * Reads the envelope of Arrow IPC messages, straight from the bytes: no object per field node or buffer is made, which
 * is most of what decoding a small batch costs otherwise.
 *
 * An encapsulated message (Arrow columnar format, "Encapsulated message format"):
 *
 *   bytes      what
 *   0..3       0xFFFFFFFF, the continuation mark
 *   4..7       int32 length of the metadata, padded so that the body starts at a multiple of 8; 0: end of stream
 *   8..        the metadata, a flatbuffer `Message`
 *   then       the body, `bodyLength` bytes
 *
 * Flatbuffer tables used (Message.fbs; a field's number is its place in the vtable):
 *
 *   Message          0 version:int16   1 header_type:uint8   2 header:table   3 bodyLength:int64
 *   RecordBatch      0 length:int64    1 nodes:[16 bytes]    2 buffers:[16 bytes]   3 compression:table
 *   BodyCompression  0 codec:int8 (0 LZ4_FRAME, 1 ZSTD)      1 method:int8
 */
import { invalidIpc } from "./invalid-ipc.js";

/** Values of `Message.header_type`. */
export const headerType = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

/** Where one message lies in its stream; all positions count from the first byte of the view. */
export interface IpcMessage {
  /** One of {@link headerType}, or a number unknown here. */
  readonly type: number;
  /** Position of the header's table, e.g. of the RecordBatch. */
  readonly header: number;
  /** Position of the first byte of the whole message, its continuation mark included. */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

const CONTINUATION = 0xffffffff;

/** Position of field `index` of the table at `table`, or 0 where the table leaves it out. */
export function tableField(view: DataView, table: number, index: number): number {
  const vtable = table - view.getInt32(table, true);
  const slot = 4 + 2 * index;
  if (slot >= view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + slot, true);
  return offset === 0 ? 0 : table + offset;
}

/** The table or vector that the offset at `position` points to. */
export function indirect(view: DataView, position: number): number {
  return position + view.getUint32(position, true);
}

/**
 * First and last position of the elements in a vector of a table, of `size` bytes each; the same twice where it is left out.
 *
 * @throws SparkStreamError INVALID_IPC where the vector reaches beyond the metadata.
 */
export function structVector(
  view: DataView,
  message: IpcMessage,
  table: number,
  field: number,
  size: number,
): [number, number] {
  const position = tableField(view, table, field);
  if (position === 0) return [0, 0];
  const first = indirect(view, position) + 4;
  const end = first + size * view.getUint32(first - 4, true);
  if (end > message.bodyStart) throw invalidIpc("its metadata lists more than it holds");
  return [first, end];
}

/** An int64 as a number; a negative or unsafe one is a broken message. */
export function readLength(view: DataView, position: number): number {
  const value = view.getUint32(position, true) + view.getInt32(position + 4, true) * 4294967296;
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw invalidIpc(`it names a length of ${value}`);
  return value;
}

/**
 * The message that starts at `start`, or undefined at the end-of-stream mark (which may also be left out, the bytes just
 * ending).
 *
 * @throws SparkStreamError INVALID_IPC where the bytes are no message, or end too soon.
 */
export function readMessage(view: DataView, start: number): IpcMessage | undefined {
  const size = view.byteLength;
  if (start === size) return undefined;
  if (start + 8 > size) throw invalidIpc(`it ends within the prefix of a message, at byte ${size}`);
  if (view.getUint32(start, true) !== CONTINUATION) {
    throw invalidIpc(`a message should begin at byte ${start}, and its mark is not there`);
  }
  const metadataLength = view.getInt32(start + 4, true);
  if (metadataLength === 0) return undefined;
  const metadata = start + 8;
  const bodyStart = metadata + metadataLength;
  if (metadataLength < 0 || bodyStart > size) {
    throw invalidIpc(
      `a message at byte ${start} says it has ${metadataLength} bytes of metadata; the blob has ${size}`,
    );
  }
  const message = indirect(view, metadata);
  const typeField = tableField(view, message, 1);
  const headerField = tableField(view, message, 2);
  const lengthField = tableField(view, message, 3);
  if (typeField === 0 || headerField === 0) throw invalidIpc(`the message at byte ${start} has no header`);
  const bodyLength = lengthField === 0 ? 0 : readLength(view, lengthField);
  const end = bodyStart + bodyLength;
  if (end > size) {
    throw invalidIpc(
      `the message at byte ${start} says it has ${bodyLength} bytes of body; ${size - bodyStart} follow`,
    );
  }
  return { type: view.getUint8(typeField), header: indirect(view, headerField), start, bodyStart, end };
}
