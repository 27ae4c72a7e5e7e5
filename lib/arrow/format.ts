/**
 * The numbers of the Arrow IPC format that reader and writer share (format/Message.fbs, Schema.fbs and File.fbs of
 * apache/arrow; "Serialization and Interprocess Communication" of the columnar format).
 *
 * An encapsulated message:
 *
 *   bytes      what
 *   0..3       0xFFFFFFFF, the continuation mark
 *   4..7       int32 length of the metadata, padded so that the body starts at a multiple of 8; 0: end of stream
 *   8..        the metadata, a flatbuffer `Message`
 *   then       the body, `bodyLength` bytes
 */

/** The continuation mark, as a uint32. */
export const CONTINUATION = 0xffffffff;
/** Bytes before the metadata of a message. */
export const PREFIX_BYTES = 8;
/** The end of a stream: the continuation mark, and metadata of 0 bytes. */
export const endOfStream = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/** MetadataVersion.V5 */
export const METADATA_V5 = 4;

/** Values of `Message.header_type`. */
export const headerTypes = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

/** The codecs of `BodyCompression.codec`, by their numbers. */
export const codecNames = ["lz4", "zstd"] as const;
export type CodecName = (typeof codecNames)[number];

/** The place of each field in the vtable of its table. */
export const fields = {
  Message: { version: 0, headerType: 1, header: 2, bodyLength: 3, customMetadata: 4 },
  Schema: { endianness: 0, fields: 1, customMetadata: 2 },
  Field: { name: 0, type: 3, dictionary: 4, children: 5, customMetadata: 6 },
  DictionaryEncoding: { id: 0, indexType: 1 },
  KeyValue: { key: 0, value: 1 },
  DictionaryBatch: { id: 0, data: 1, isDelta: 2 },
  /** Vectors of FieldNode (int64 length, int64 null_count) and of Buffer (int64 offset, int64 length). */
  RecordBatch: { length: 0, nodes: 1, buffers: 2, compression: 3, variadicBufferCounts: 4 },
  BodyCompression: { codec: 0, method: 1 },
} as const;
/** The size of a FieldNode, and of a Buffer, in bytes. */
export const STRUCT_BYTES = 16;
