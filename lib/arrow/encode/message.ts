/**
 * Encodes the Arrow IPC messages of the sinks without copying a batch's buffers: a message is a head and the buffers
 * that follow it. The schema message is apache-arrow's. In: schemas, and columns as field nodes and buffers. Out:
 * bytes.
 */
import { Message, type Schema, type Vector } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { encodableSchema } from "../encodable-schema.js";
import { CONTINUATION, headerTypes, METADATA_V5, PREFIX_BYTES } from "../format.js";
import {
  addDictionary,
  brokenColumn,
  type ColumnBuffers,
  columnBuffers,
  type WrittenDictionary,
} from "./column-buffers.js";

/** Each buffer of a body begins at a multiple of this many bytes, as Arrow's format recommends. */
const alignment = 64;

/** A message without its prefix; format.ts has the layout. */
export interface EncodedMessage {
  /** The metadata, a flatbuffer, padded to a multiple of 8 bytes. */
  readonly head: Uint8Array;
  readonly buffers: readonly Uint8Array[];
  /** Size of the body in bytes: the buffers, each of them padded. */
  readonly size: number;
}

/** Encodes a message as it is in a stream. */
export function messageBytes({ head, buffers, size }: EncodedMessage): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + head.length + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setInt32(4, head.length, true);
  bytes.set(head, PREFIX_BYTES);
  let position = PREFIX_BYTES + head.length;
  for (const buffer of buffers) {
    bytes.set(buffer, position);
    position += padded(buffer.length);
  }
  return bytes;
}

/** The most bytes in a piece, so that it is copied quickly. */
const PIECE = 1024 * 1024;

/** Encodes a message in pieces, since a large one takes long to copy. */
export function* messagePieces(message: EncodedMessage): Generator<Uint8Array> {
  let left = messageLength(message);
  if (left <= PIECE) {
    yield messageBytes(message);
    return;
  }
  let piece = messageBytes({ ...message, buffers: [], size: 0 });
  left -= piece.length;
  let filled = piece.length;
  for (const buffer of message.buffers) {
    const length = padded(buffer.length);
    for (let from = 0; from < length; ) {
      if (filled === piece.length) {
        yield piece;
        piece = new Uint8Array(Math.min(PIECE, left));
        left -= piece.length;
        filled = 0;
      }
      const to = Math.min(length, from + piece.length - filled);
      piece.set(buffer.subarray(from, to), filled); // the padding needs nothing: the piece is zeros
      filled += to - from;
      from = to;
    }
  }
  yield piece;
}

/** The size of the message in a stream, in bytes. */
export function messageLength({ head, size }: EncodedMessage): number {
  return PREFIX_BYTES + head.length + size;
}

export function schemaMessage(schema: Schema): EncodedMessage {
  const encoded = Message.encode(Message.from(encodableSchema(schema)));
  const head = new Uint8Array((encoded.length + 7) & ~7);
  head.set(encoded);
  return { head, buffers: [], size: 0 };
}

/** The buffers of a dictionary: its chunks, each with the columns that its message lists. */
export interface DictionaryBuffers {
  readonly id: number;
  readonly vector: Vector;
  readonly chunks: readonly ColumnBuffers[];
}

/**
 * Returns the dictionaries that the columns refer to, each after those that its own values refer to: a reader needs
 * these first.
 *
 * @param known whether a dictionary need not be written again; dictionaries nested in it are then left out too
 * @throws SparkStreamError INVALID_INPUT for a broken dictionary, and for two dictionaries with one id
 */
export function dictionaryBuffers(
  columns: ColumnBuffers,
  known: (id: number, vector: Vector) => boolean,
): DictionaryBuffers[] {
  const found = new Map<number, WrittenDictionary>();
  const ordered: DictionaryBuffers[] = [];
  const visit = ({ dictionaries }: ColumnBuffers) => {
    for (const [id, { vector, type }] of dictionaries) {
      try {
        const again = found.get(id)?.vector === vector;
        addDictionary(found, id, vector, type);
        if (again || known(id, vector)) continue;
        const chunks = vector.data.map((chunk) => columnBuffers(chunk, type));
        for (const chunk of chunks) visit(chunk);
        ordered.push({ id, vector, chunks });
      } catch (cause) {
        if (cause instanceof SparkStreamError) throw cause;
        throw brokenColumn(`The dictionary ${id}`, cause);
      }
    }
  };
  visit(columns);
  return ordered;
}

/** Makes the messages of a dictionary: its first chunk, and the others as deltas. */
export function dictionaryMessages({ id, chunks }: DictionaryBuffers): EncodedMessage[] {
  return chunks.map((chunk, index) => batchMessage(chunk, { id, isDelta: index > 0 }));
}

/**
 * Makes the flatbuffer of a RecordBatch message, or of a DictionaryBatch message around one. Each table follows its
 * vtable; positions are bytes from the start, those of the dictionary form in brackets.
 *
 *      0  u32 position of the Message
 *      4  vtable of the Message (4 fields)
 *     16  Message           i32 to its vtable, u32 header, i64 bodyLength, i16 version, u8 headerType
 *    [40  vtable of the DictionaryBatch (3 fields)]
 *    [56  DictionaryBatch   i32 to its vtable, u32 data, i64 id, bool isDelta]
 *     40 [80]  vtable of the RecordBatch (5 fields)
 *     56 [96]  RecordBatch  i32 to its vtable, u32 nodes, i64 length, u32 buffers, u32 variadicBufferCounts
 *     then  4 bytes free, u32 count and the nodes (i64 length, i64 null count); the buffers (i64 offset, i64 length) and
 *           the variadic counts (i64) likewise
 */
export function batchMessage(column: ColumnBuffers, dictionary?: { id: number; isDelta: boolean }): EncodedMessage {
  const { nodes, buffers, variadicCounts } = column;
  const size = buffers.reduce((sum, buffer) => sum + padded(buffer.length), 0);
  const batch = dictionary ? 80 : 40;
  const nodesAt = batch + 40;
  const buffersAt = nodesAt + 8 + 8 * nodes.length;
  const countsAt = buffersAt + 8 + 16 * buffers.length;
  const head = new Uint8Array(countsAt + 8 + 8 * variadicCounts.length);
  const view = new DataView(head.buffer);
  const u16 = (at: number, ...values: number[]) =>
    values.forEach((value, index) => void view.setUint16(at + 2 * index, value, true));
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const i64 = (at: number, value: number) => view.setBigInt64(at, BigInt(value), true);
  const vector = (field: number, at: number, count: number) => {
    u32(field, at + 4 - field);
    u32(at + 4, count);
  };

  u32(0, 16);
  u16(4, 12, 24, 16, 18, 4, 8);
  u32(16, 12);
  u32(20, (dictionary ? 56 : batch + 16) - 20);
  i64(24, size);
  u16(32, METADATA_V5);
  view.setUint8(34, dictionary ? headerTypes.dictionaryBatch : headerTypes.recordBatch);

  if (dictionary) {
    u16(40, 10, 24, 8, 4, 16);
    u32(56, 16);
    u32(60, batch + 16 - 60);
    i64(64, dictionary.id);
    view.setUint8(72, dictionary.isDelta ? 1 : 0);
  }

  u16(batch, 14, 24, 8, 4, 16, 0, 20);
  u32(batch + 16, 16);
  i64(batch + 24, column.length);
  vector(batch + 20, nodesAt, nodes.length / 2);
  vector(batch + 32, buffersAt, buffers.length);
  vector(batch + 36, countsAt, variadicCounts.length);
  nodes.forEach((value, index) => void i64(nodesAt + 8 + 8 * index, value));
  let offset = 0;
  for (const [index, { length }] of buffers.entries()) {
    i64(buffersAt + 8 + 16 * index, offset);
    i64(buffersAt + 16 + 16 * index, length);
    offset += padded(length);
  }
  variadicCounts.forEach((count, index) => void i64(countsAt + 8 + 8 * index, count));
  return { head, buffers, size };
}

function padded(size: number): number {
  return Math.ceil(size / alignment) * alignment;
}
