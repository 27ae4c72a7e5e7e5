/**
 * Record batch messages put together by hand: what no writer in reach would write, and other writers do.
 */
const CODEC = { lz4: 0, zstd: 1 } as const;

export interface BatchParts {
  /** Rows that the batch says it has. */
  readonly length: number;
  /** Length and null count of each field node, depth first. */
  readonly nodes: readonly (readonly [length: number | bigint, nullCount: number])[];
  /** Each as its bytes are to lie in the body. */
  readonly buffers: readonly Uint8Array[];
  readonly codec?: keyof typeof CODEC;
  /** For columns of views: how many buffers of data each has. */
  readonly variadicBufferCounts?: readonly number[];
}

/** One encapsulated message (Arrow columnar format) of type RecordBatch. */
export function batchMessage({ length, nodes, buffers, codec, variadicBufferCounts = [] }: BatchParts): Uint8Array {
  const positions: number[] = [];
  let bodyLength = 0;
  for (const buffer of buffers) {
    positions.push(bodyLength);
    bodyLength += padded(buffer.length);
  }
  // Flatbuffer tables, each with its vtable before it; the vectors of structs begin where their structs are aligned.
  const [message, batch, compression, nodesAt] = [16, 56, 96, 108];
  const buffersAt = nodesAt + 8 + 16 * nodes.length;
  const countsAt = buffersAt + 8 + 16 * buffers.length;
  const metadataLength = padded(countsAt + 4 + 8 * variadicBufferCounts.length);
  const bytes = new Uint8Array(8 + metadataLength + bodyLength);
  const view = new DataView(bytes.buffer, 8);
  const u16 = (position: number, ...values: number[]) => {
    for (const [index, value] of values.entries()) view.setUint16(position + 2 * index, value, true);
  };
  const u32 = (position: number, value: number) => view.setUint32(position, value, true);
  const i64 = (position: number, value: number | bigint) => view.setBigInt64(position, BigInt(value), true);

  new DataView(bytes.buffer).setUint32(0, 0xffffffff);
  new DataView(bytes.buffer).setUint32(4, metadataLength, true);
  u32(0, message);
  u16(4, 12, 20, 16, 18, 4, 8);
  u32(message, 12);
  u32(message + 4, batch - (message + 4));
  i64(message + 8, bodyLength);
  u16(message + 16, 4); // version V5
  view.setUint8(message + 18, 3); // header_type RecordBatch
  u16(40, 14, 28, 8, 4, 16, codec ? 20 : 0, variadicBufferCounts.length > 0 ? 24 : 0);
  u32(batch, 16);
  u32(batch + 4, nodesAt - (batch + 4));
  i64(batch + 8, length);
  u32(batch + 16, buffersAt - (batch + 16));
  u32(batch + 20, compression - (batch + 20));
  u32(batch + 24, countsAt - (batch + 24));
  u16(88, 6, 5, 4);
  u32(compression, 8);
  view.setUint8(compression + 4, codec ? CODEC[codec] : 0);
  u32(nodesAt, nodes.length);
  for (const [index, [values, nulls]] of nodes.entries()) {
    i64(nodesAt + 4 + 16 * index, values);
    i64(nodesAt + 12 + 16 * index, nulls);
  }
  u32(buffersAt, buffers.length);
  for (const [index, buffer] of buffers.entries()) {
    i64(buffersAt + 4 + 16 * index, positions[index]!);
    i64(buffersAt + 12 + 16 * index, buffer.length);
    bytes.set(buffer, 8 + metadataLength + positions[index]!);
  }
  u32(countsAt, variadicBufferCounts.length);
  for (const [index, count] of variadicBufferCounts.entries()) i64(countsAt + 4 + 8 * index, count);
  return bytes;
}

/** An Arrow IPC stream with the schema of another one. */
export function withSchemaOf(stream: Uint8Array, ...messages: Uint8Array[]): Uint8Array {
  const schemaEnd = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
  return new Uint8Array(
    Buffer.concat([stream.subarray(0, schemaEnd), ...messages, Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)]),
  );
}

/** A compressed buffer: an int64 with its size once restored, then its bytes. */
export function compressedBuffer(restoredLength: number, bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(8 + bytes.length);
  new DataView(buffer.buffer).setBigInt64(0, BigInt(restoredLength), true);
  buffer.set(bytes, 8);
  return buffer;
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/**
 * A little-endian Arrow IPC stream whose schema says that its numbers are big-endian. The schema's field `endianness`,
 * which writers leave out where it is 0, is put behind the schema's message, with a vtable that refers to it.
 */
export function declaredBigEndian(stream: Uint8Array): Uint8Array {
  const end = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
  const old = new DataView(stream.buffer, stream.byteOffset + 8, end - 8);
  const message = old.getUint32(0, true);
  const headerField = message + old.getUint16(message - old.getInt32(message, true) + 8, true);
  const schema = headerField + old.getUint32(headerField, true);
  const vtable = schema - old.getInt32(schema, true);
  const vtableSize = old.getUint16(vtable, true);

  const metadataLength = padded(end - 8 + 2 + vtableSize);
  const bytes = new Uint8Array(8 + metadataLength);
  bytes.set(stream.subarray(0, end));
  bytes.set(stream.subarray(8 + vtable, 8 + vtable + vtableSize), end + 2);
  const view = new DataView(bytes.buffer, 8);
  new DataView(bytes.buffer).setInt32(4, metadataLength, true);
  const [value, newVtable] = [end - 8, end - 8 + 2];
  view.setUint16(value, 1, true);
  view.setInt32(schema, schema - newVtable, true);
  view.setUint16(newVtable + 4, value - schema, true);
  return new Uint8Array(Buffer.concat([bytes, stream.subarray(end)]));
}
