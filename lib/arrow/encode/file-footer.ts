/**
 * The parts that turn an Arrow IPC stream into a file: the magic bytes before it, and the footer with its messages'
 * places.
 */

import { indirect, tableField } from "../flatbuffer.js";
import { fields, METADATA_V5 } from "../format.js";

export const fileMagic = Buffer.from("ARROW1");
/** The file's magic bytes, padded: messages begin at multiples of 8. */
export const fileStart = Buffer.from("ARROW1\0\0");

/** Where a message lies in the file. */
export interface Block {
  /** Bytes before it in the file. */
  readonly offset: number;
  /** Bytes of its prefix and metadata. */
  readonly headLength: number;
  readonly bodyLength: number;
}

const BLOCK_SIZE = 24;

/**
 * Returns the end of the file: the footer, its length as an int32, and the magic. The footer is a flatbuffer
 * (File.fbs):
 *
 *      0  u32 position of the Footer
 *      4  vtable of the Footer (4 fields)
 *     16  Footer   i32 to its vtable, u32 schema, u32 dictionaries, u32 recordBatches, i16 version
 *     36  u32 count of the dictionaries, and their blocks (i64 offset, i32 headLength, 4 bytes free, i64 bodyLength)
 *     then  4 bytes free, u32 count of the record batches and their blocks
 *     then  the whole flatbuffer of the schema's message: references in a flatbuffer are relative, so the schema in it can
 *           be referred to from here
 *
 * @param schemaHead the metadata of the schema's message
 */
export function fileEnd(schemaHead: Uint8Array, dictionaries: readonly Block[], batches: readonly Block[]): Uint8Array {
  const dictionariesAt = 36;
  const batchesAt = dictionariesAt + 4 + BLOCK_SIZE * dictionaries.length + 4;
  const schemaAt = batchesAt + 4 + BLOCK_SIZE * batches.length;
  const size = schemaAt + schemaHead.length;
  const bytes = new Uint8Array(size + 4 + fileMagic.length);
  const view = new DataView(bytes.buffer);
  const refer = (field: number, to: number) => view.setUint32(field, to - field, true);
  const blocks = (field: number, at: number, list: readonly Block[]) => {
    refer(field, at);
    view.setUint32(at, list.length, true);
    for (const [index, { offset, headLength, bodyLength }] of list.entries()) {
      const block = at + 4 + BLOCK_SIZE * index;
      view.setBigInt64(block, BigInt(offset), true);
      view.setInt32(block + 8, headLength, true);
      view.setBigInt64(block + 16, BigInt(bodyLength), true);
    }
  };

  view.setUint32(0, 16, true);
  for (const [index, value] of [12, 20, 16, 4, 8, 12].entries()) view.setUint16(4 + 2 * index, value, true);
  view.setInt32(16, 12, true);
  refer(20, schemaAt + schemaTable(schemaHead));
  blocks(24, dictionariesAt, dictionaries);
  blocks(28, batchesAt, batches);
  view.setInt16(32, METADATA_V5, true);
  bytes.set(schemaHead, schemaAt);
  view.setInt32(size, size, true);
  bytes.set(fileMagic, size + 4);
  return bytes;
}

/** Position of the Schema in its Message. */
function schemaTable(head: Uint8Array): number {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return indirect(view, tableField(view, indirect(view, 0), fields.Message.header));
}
