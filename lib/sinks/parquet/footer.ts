/**
 * The footer: the content of the file and its positions (FileMetaData of parquet.thrift). Memory until the end: the
 * encoded metadata of the column chunks, about 100 bytes per column and row group.
 */
import { version } from "../../version.js";
import type { ChunkPages } from "./column-chunk.js";
import { encodings, fields, magic, pageTypes, physicalTypes } from "./format.js";
import type { LeafNode, ParquetSchema } from "./parquet-schema.js";
import { EncodedStruct, encodeThrift, ShortInt, type ThriftStruct } from "./thrift.js";

/** 2: with additions since 2013, such as unsigned numbers and nanoseconds. */
const FORMAT_VERSION = 2;

/** A chunk, and the position of its first page in the file, in bytes. */
export interface PlacedChunk extends ChunkPages {
  readonly leaf: LeafNode;
  readonly offset: number;
}

export class FooterBuilder {
  readonly #schema: ParquetSchema;
  readonly #codec: number;
  readonly #rowGroups: EncodedStruct[] = [];
  // The current row group.
  #chunks: EncodedStruct[] = [];
  #compressed = 0;
  #uncompressed = 0;
  #rows = 0;

  /** @param codec its number in the format */
  constructor(schema: ParquetSchema, codec: number) {
    this.#schema = schema;
    this.#codec = codec;
  }

  /** Adds a chunk to the row group, in the order of the leaves. */
  addChunk(chunk: PlacedChunk): void {
    const { file_offset, meta_data } = fields.ColumnChunk;
    this.#chunks.push(new EncodedStruct({ [file_offset]: 0n, [meta_data]: this.#columnMetaData(chunk) }));
    const { compressed, uncompressed } = sizesOf(chunk);
    this.#compressed += compressed;
    this.#uncompressed += uncompressed;
  }

  /** @param offset the position of the row group's first byte in the file */
  endRowGroup(rows: number, offset: number): void {
    const { RowGroup } = fields;
    const ordinal = this.#rowGroups.length;
    this.#rowGroups.push(
      new EncodedStruct({
        [RowGroup.columns]: this.#chunks,
        [RowGroup.total_byte_size]: BigInt(this.#uncompressed),
        [RowGroup.num_rows]: BigInt(rows),
        [RowGroup.file_offset]: BigInt(offset),
        [RowGroup.total_compressed_size]: BigInt(this.#compressed),
        [RowGroup.ordinal]: ordinal < 2 ** 15 ? new ShortInt("i16", ordinal) : undefined,
      }),
    );
    this.#chunks = [];
    this.#compressed = this.#uncompressed = 0;
    this.#rows += rows;
  }

  /** The end of the file: the footer, its size and "PAR1". Yields undefined when it may pause. */
  *finish(metadata: ReadonlyMap<string, string>): Generator<Uint8Array | undefined> {
    const elements: EncodedStruct[] = [];
    for (const element of this.#schema.elements) {
      elements.push(new EncodedStruct(element));
      if (elements.length % 100 === 0) yield undefined;
    }
    const { FileMetaData, KeyValue, ColumnOrder } = fields;
    const typeOrder = new EncodedStruct({ [ColumnOrder.TYPE_ORDER]: {} });
    const bytes = encodeThrift({
      [FileMetaData.version]: FORMAT_VERSION,
      [FileMetaData.schema]: elements,
      [FileMetaData.num_rows]: BigInt(this.#rows),
      [FileMetaData.row_groups]: this.#rowGroups,
      [FileMetaData.key_value_metadata]: [...metadata].map(([key, value]) => ({
        [KeyValue.key]: key,
        [KeyValue.value]: value,
      })),
      // Readers that distrust the statistics of some writers expect this form.
      [FileMetaData.created_by]: `spark-arrow-stream version ${version}`,
      [FileMetaData.column_orders]: this.#schema.leaves.map(() => typeOrder), // the order that goes with the type
    });
    yield undefined;
    const end = new Uint8Array(bytes.length + 4 + magic.length);
    end.set(bytes);
    new DataView(end.buffer).setUint32(bytes.length, bytes.length, true);
    end.set(magic, bytes.length + 4);
    yield end;
  }

  #columnMetaData(chunk: PlacedChunk): ThriftStruct {
    const { leaf, offset, dictionary, data, dictionaryEncoded, count, statistics } = chunk;
    const range = statistics?.range;
    const { compressed, uncompressed } = sizesOf(chunk);
    const plain = data.length - dictionaryEncoded;
    const used = [
      ...(dictionary || plain > 0 ? [encodings.PLAIN] : []),
      encodings.RLE,
      ...(dictionary ? [encodings.RLE_DICTIONARY] : []),
    ];
    const { ColumnMetaData, Statistics, PageEncodingStats } = fields;
    const pageCounts = [
      { type: pageTypes.DICTIONARY_PAGE, encoding: encodings.PLAIN, count: dictionary ? 1 : 0 },
      { type: pageTypes.DATA_PAGE, encoding: encodings.RLE_DICTIONARY, count: dictionaryEncoded },
      { type: pageTypes.DATA_PAGE, encoding: encodings.PLAIN, count: plain },
    ].filter((pages) => pages.count > 0);
    return {
      [ColumnMetaData.type]: physicalTypes[leaf.parquet.physical],
      [ColumnMetaData.encodings]: used,
      [ColumnMetaData.path_in_schema]: leaf.names,
      [ColumnMetaData.codec]: this.#codec,
      [ColumnMetaData.num_values]: BigInt(count),
      [ColumnMetaData.total_uncompressed_size]: BigInt(uncompressed),
      [ColumnMetaData.total_compressed_size]: BigInt(compressed),
      [ColumnMetaData.data_page_offset]: BigInt(offset + (dictionary?.bytes.length ?? 0)),
      [ColumnMetaData.dictionary_page_offset]: dictionary && BigInt(offset),
      [ColumnMetaData.statistics]: statistics && {
        [Statistics.null_count]: BigInt(statistics.nullCount),
        [Statistics.max_value]: range?.max,
        [Statistics.min_value]: range?.min,
        [Statistics.is_max_value_exact]: range && true,
        [Statistics.is_min_value_exact]: range && true,
      },
      [ColumnMetaData.encoding_stats]: pageCounts.map(({ type, encoding, count }) => ({
        [PageEncodingStats.page_type]: type,
        [PageEncodingStats.encoding]: encoding,
        [PageEncodingStats.count]: count,
      })),
    };
  }
}

/** Bytes of all pages, with their headers. */
function sizesOf({ dictionary, data }: ChunkPages): { compressed: number; uncompressed: number } {
  const sizes = { compressed: 0, uncompressed: 0 };
  for (const page of dictionary ? [dictionary, ...data] : data) {
    sizes.compressed += page.bytes.length;
    sizes.uncompressed += page.uncompressedSize;
  }
  return sizes;
}
