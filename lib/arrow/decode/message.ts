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

/** The prefix and the metadata of a message, whose body need not be there. */
interface MessageHead extends Omit<MessageLocation, "end"> {
  readonly bodyLength: number;
}

/**
 * Returns the message that starts at `start`, or undefined at the end of the stream: the end-of-stream mark, or just
 * the end of the bytes.
 *
 * @throws SparkStreamError INVALID_IPC if the bytes are not a message, or are truncated.
 */
export function messageAt(view: DataView, start: number): MessageLocation | undefined {
  if (start === view.byteLength) return undefined;
  const head = messageHeadAt(view, start);
  if (!head) return undefined;
  const { type, header, bodyStart, bodyLength } = head;
  const end = bodyStart + bodyLength;
  if (end > view.byteLength) {
    throw invalidIpc(
      `the message at byte ${start} says it has ${bodyLength} bytes of body; ${view.byteLength - bodyStart} follow`,
    );
  }
  return { type, header, start, bodyStart, end };
}

/**
 * The head of the message that starts at `start`, or undefined at an end-of-stream mark.
 *
 * @throws SparkStreamError INVALID_IPC if the bytes are not a message, or if its metadata is truncated.
 */
export function messageHeadAt(view: DataView, start: number): MessageHead | undefined {
  const size = view.byteLength;
  const bodyStart = bodyStartAt(view, start);
  if (bodyStart === undefined) return undefined;
  if (bodyStart > size) {
    const length = bodyStart - start - PREFIX_BYTES;
    throw invalidIpc(`a message at byte ${start} says it has ${length} bytes of metadata; the blob has ${size}`);
  }
  const message = indirect(view, start + PREFIX_BYTES);
  const typeField = tableField(view, message, fields.Message.headerType);
  const headerField = tableField(view, message, fields.Message.header);
  const lengthField = tableField(view, message, fields.Message.bodyLength);
  if (typeField === 0 || headerField === 0) throw invalidIpc(`the message at byte ${start} has no header`);
  const bodyLength = lengthField === 0 ? 0 : readLength(view, lengthField);
  return { type: view.getUint8(typeField), header: indirect(view, headerField), start, bodyStart, bodyLength };
}

/**
 * Reads the prefix of the message that starts at `start`: where its metadata ends. undefined at an end-of-stream mark.
 *
 * @throws SparkStreamError INVALID_IPC if there is no prefix
 */
export function bodyStartAt(view: DataView, start: number): number | undefined {
  const size = view.byteLength;
  if (start + PREFIX_BYTES > size) throw invalidIpc(`it ends within the prefix of a message, at byte ${size}`);
  if (view.getUint32(start, true) !== CONTINUATION) {
    throw invalidIpc(`a message should begin at byte ${start}, and its mark is not there`);
  }
  const metadataLength = view.getInt32(start + 4, true);
  if (metadataLength === 0) return undefined;
  if (metadataLength < 0)
    throw invalidIpc(`a message at byte ${start} says it has ${metadataLength} bytes of metadata`);
  return start + PREFIX_BYTES + metadataLength;
}
