/**
 * The footer: what the file holds, where (FileMetaData of parquet.thrift). What stays in memory until the end is the metadata of
 * the chunks, already encoded: some 100 bytes per column and row group.
 */
import { version } from "../../version.js";
import { type ChunkPages, encodings } from "./column-chunk.js";
import { pageTypes } from "./pages.js";
import type { LeafNode, ParquetSchema } from "./parquet-schema.js";
import { physicalTypes } from "./parquet-type.js";
import { EncodedStruct, encodeThrift, ShortInt, type ThriftStruct } from "./thrift.js";

export const parquetMagic = new Uint8Array([0x50, 0x41, 0x52, 0x31]);

/** 2: with what came after 2013, such as unsigned numbers and nanoseconds. */
const FORMAT_VERSION = 2;

/** A chunk, and where its first page begins in the file, in bytes. */
export interface PlacedChunk extends ChunkPages {
  readonly leaf: LeafNode;
  readonly offset: number;
}

export class FooterBuilder {
  readonly #schema: ParquetSchema;
  readonly #codec: number;
  readonly #rowGroups: EncodedStruct[] = [];
  // The row group under way.
  #chunks: EncodedStruct[] = [];
  #compressed = 0;
  #uncompressed = 0;
  #rows = 0;

  /** @param codec its number in the format */
  constructor(schema: ParquetSchema, codec: number) {
    this.#schema = schema;
    this.#codec = codec;
  }

  /** A chunk of the row group, in the order of the leaves. */
  addChunk(chunk: PlacedChunk): void {
    this.#chunks.push(new EncodedStruct({ 2: 0n, 3: this.#columnMetaData(chunk) }));
    const { compressed, uncompressed } = sizesOf(chunk);
    this.#compressed += compressed;
    this.#uncompressed += uncompressed;
  }

  /** @param offset of its first byte in the file */
  endRowGroup(rows: number, offset: number): void {
    const ordinal = this.#rowGroups.length;
    this.#rowGroups.push(
      new EncodedStruct({
        1: this.#chunks,
        2: BigInt(this.#uncompressed),
        3: BigInt(rows),
        5: BigInt(offset),
        6: BigInt(this.#compressed),
        7: ordinal < 2 ** 15 ? new ShortInt("i16", ordinal) : undefined,
      }),
    );
    this.#chunks = [];
    this.#compressed = this.#uncompressed = 0;
    this.#rows += rows;
  }

  /** The end of the file: the footer, its size and "PAR1". Yields undefined where it may pause. */
  *finish(metadata: ReadonlyMap<string, string>): Generator<Uint8Array | undefined> {
    const elements: EncodedStruct[] = [];
    for (const element of this.#schema.elements) {
      elements.push(new EncodedStruct(element));
      if (elements.length % 100 === 0) yield undefined;
    }
    const typeOrder = new EncodedStruct({ 1: {} });
    const bytes = encodeThrift({
      1: FORMAT_VERSION,
      2: elements,
      3: BigInt(this.#rows),
      4: this.#rowGroups,
      5: [...metadata].map(([key, value]) => ({ 1: key, 2: value })),
      // Readers that mistrust the statistics of some writers want this form.
      6: `spark-arrow-stream version ${version}`,
      7: this.#schema.leaves.map(() => typeOrder), // the order that goes with the type
    });
    yield undefined;
    const end = new Uint8Array(bytes.length + 4 + parquetMagic.length);
    end.set(bytes);
    new DataView(end.buffer).setUint32(bytes.length, bytes.length, true);
    end.set(parquetMagic, bytes.length + 4);
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
    const pageCounts = [
      { page: pageTypes.dictionary, encoding: encodings.PLAIN, of: dictionary ? 1 : 0 },
      { page: pageTypes.data, encoding: encodings.RLE_DICTIONARY, of: dictionaryEncoded },
      { page: pageTypes.data, encoding: encodings.PLAIN, of: plain },
    ];
    return {
      1: physicalTypes[leaf.parquet.physical],
      2: used,
      3: leaf.names,
      4: this.#codec,
      5: BigInt(count),
      6: BigInt(uncompressed),
      7: BigInt(compressed),
      9: BigInt(offset + (dictionary?.bytes.length ?? 0)),
      11: dictionary && BigInt(offset),
      12: statistics && {
        3: BigInt(statistics.nullCount),
        5: range?.max,
        6: range?.min,
        7: range && true, // exact
        8: range && true,
      },
      13: pageCounts.filter(({ of }) => of > 0).map(({ page, encoding, of }) => ({ 1: page.type, 2: encoding, 3: of })),
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
