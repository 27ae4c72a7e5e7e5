/**
 * Reads the envelope of Arrow IPC messages (format.ts) straight from the bytes. It makes no object per field node or
 * buffer, which would be most of the cost of decoding a small batch.
 */
import { indirect, tableField } from "../flatbuffer.js";
import { CONTINUATION, fields, PREFIX_BYTES } from "../format.js";
import { invalidIpc } from "./invalid-ipc.js";

/** Where one message lies in its stream; all positions count from the first byte of the view. */
export interface MessageLocation {
  /** One of `headerTypes`, or a number unknown here. */
  readonly type: number;
  /** Position of the header's table, e.g. of the RecordBatch. */
  readonly header: number;
  /** Position of the first byte of the whole message, its continuation mark included. */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

/**
 * Returns the start and end position of a table's vector, whose elements have `size` bytes each; `[0, 0]` if the table
 * has no such vector.
 *
 * @throws SparkStreamError INVALID_IPC if the vector reaches beyond the metadata.
 */
export function structVector(
  view: DataView,
  message: MessageLocation,
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

/** The `length` of the record batch in a message, in rows. @throws SparkStreamError INVALID_IPC */
export function batchLength(view: DataView, batch: number): number {
  const position = tableField(view, batch, fields.RecordBatch.length);
  return position === 0 ? 0 : readLength(view, position);
}

/** Reads an int64 as a number. A negative or unsafe one means that the message is broken. */
export function readLength(view: DataView, position: number): number {
  const value = view.getUint32(position, true) + view.getInt32(position + 4, true) * 4294967296;
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw invalidIpc(`it names a length of ${value}`);
  return value;
}

/**
 * Returns the message that starts at `start`, or undefined at the end of the stream: the end-of-stream mark, or just
 * the end of the bytes.
 *
 * @throws SparkStreamError INVALID_IPC if the bytes are not a message, or are truncated.
 */
export function messageAt(view: DataView, start: number): MessageLocation | undefined {
  const size = view.byteLength;
  if (start === size) return undefined;
  if (start + PREFIX_BYTES > size) throw invalidIpc(`it ends within the prefix of a message, at byte ${size}`);
  if (view.getUint32(start, true) !== CONTINUATION) {
    throw invalidIpc(`a message should begin at byte ${start}, and its mark is not there`);
  }
  const metadataLength = view.getInt32(start + 4, true);
  if (metadataLength === 0) return undefined;
  const metadata = start + PREFIX_BYTES;
  const bodyStart = metadata + metadataLength;
  if (metadataLength < 0 || bodyStart > size) {
    throw invalidIpc(
      `a message at byte ${start} says it has ${metadataLength} bytes of metadata; the blob has ${size}`,
    );
  }
  const message = indirect(view, metadata);
  const typeField = tableField(view, message, fields.Message.headerType);
  const headerField = tableField(view, message, fields.Message.header);
  const lengthField = tableField(view, message, fields.Message.bodyLength);
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
