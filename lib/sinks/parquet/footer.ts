/**
 * Takes Parquet files apart and puts their column chunks together in one file. In, the complete small files that
 * parquet-wasm makes of one column of one row group; out, the chunks' bytes, and at the end the one footer. What stays
 * in memory until then is the metadata of the chunks: some 100 bytes per column and row group.
 *
 * A file is "PAR1", chunks, footer (FileMetaData in Thrift's compact protocol), u32 size of the footer, "PAR1". Names
 * and ids of the fields below are those of parquet.thrift (apache/parquet-format).
 */
import {
  decodeThrift,
  encodeThrift,
  type ThriftList,
  type ThriftStruct,
  type ThriftValue,
  thriftType,
} from "./thrift.js";

export const parquetMagic = new Uint8Array([0x50, 0x41, 0x52, 0x31]);

const fileMetaData = { numRows: 3, rowGroups: 4, keyValueMetadata: 5 };
const rowGroup = { columns: 1, totalByteSize: 2, numRows: 3, fileOffset: 5, totalCompressedSize: 6, ordinal: 7 };
const columnChunk = { fileOffset: 2, metaData: 3, offsetIndexOffset: 4, columnIndexLength: 7 };
const columnMetaData = {
  totalUncompressedSize: 6,
  totalCompressedSize: 7,
  dataPageOffset: 9,
  dictionaryPageOffset: 11,
};
const keyValue = { key: 1, value: 2 };

/** The chunks of one top-level column: several where it is nested. */
export interface ColumnChunks {
  /** Their pages; a view of the file that they came from. */
  readonly bytes: Uint8Array;
  readonly metadata: ChunksMetadata;
}

export interface ChunksMetadata {
  /** ColumnChunk structs; the offsets are those in the file they came from, where the pages begin at byte 4. */
  readonly columns: readonly ThriftStruct[];
  readonly compressedSize: bigint;
  readonly uncompressedSize: bigint;
}

export interface PlacedChunks extends ChunksMetadata {
  /** Of the first page in the whole file, in bytes. */
  readonly offset: number;
}

/**
 * @param file a complete Parquet file with one row group.
 * @param rows that the row group must have.
 * @throws RangeError where the file is not that.
 */
export function columnChunks(file: Uint8Array, rows: number): ColumnChunks {
  const groups = list(readFooter(file), fileMetaData.rowGroups);
  const group = groups[0] as ThriftStruct | undefined;
  if (groups.length !== 1 || group === undefined || int(group, rowGroup.numRows) !== BigInt(rows)) {
    throw new RangeError(`${rows} rows were to become one row group, and did not`);
  }
  const columns = list(group, rowGroup.columns) as readonly ThriftStruct[];
  let compressedSize = 0n;
  let uncompressedSize = 0n;
  for (const column of columns) {
    const metaData = struct(column, columnChunk.metaData);
    compressedSize += int(metaData, columnMetaData.totalCompressedSize)!;
    uncompressedSize += int(metaData, columnMetaData.totalUncompressedSize)!;
  }
  const start = parquetMagic.length;
  return {
    bytes: file.subarray(start, start + Number(compressedSize)),
    metadata: { columns, compressedSize, uncompressedSize },
  };
}

/** Collects row groups, and makes the footer of the whole file. */
export class FooterBuilder {
  readonly #skeleton: ThriftStruct;
  readonly #rowGroups: Uint8Array[] = [];
  #rows = 0n;

  /** @param file a Parquet file of the same schema without rows: what its footer says of the schema is kept. */
  constructor(file: Uint8Array) {
    this.#skeleton = readFooter(file);
  }

  addRowGroup(rows: number, chunks: readonly PlacedChunks[]): void {
    const columns: ThriftStruct[] = [];
    let size = 0n;
    let compressedSize = 0n;
    for (const part of chunks) {
      for (const column of part.columns) columns.push(moved(column, BigInt(part.offset - parquetMagic.length)));
      size += part.uncompressedSize;
      compressedSize += part.compressedSize;
    }
    const ordinal = this.#rowGroups.length;
    const group: ThriftStruct = new Map([
      [rowGroup.columns, { type: thriftType.list, value: { type: thriftType.struct, values: columns } }],
      [rowGroup.totalByteSize, { type: thriftType.i64, value: size }],
      [rowGroup.numRows, { type: thriftType.i64, value: BigInt(rows) }],
      [rowGroup.totalCompressedSize, { type: thriftType.i64, value: compressedSize }],
    ]);
    const first = chunks[0];
    if (first) group.set(rowGroup.fileOffset, { type: thriftType.i64, value: BigInt(first.offset) });
    // It is an i16, and optional.
    if (ordinal < 2 ** 15) group.set(rowGroup.ordinal, { type: thriftType.i16, value: BigInt(ordinal) });
    this.#rowGroups.push(encodeThrift(group));
    this.#rows += BigInt(rows);
  }

  /** The end of the file: the footer, its size and "PAR1". */
  finish(metadata: ReadonlyMap<string, string>): Uint8Array {
    const footer = new Map(this.#skeleton);
    footer.set(fileMetaData.numRows, { type: thriftType.i64, value: this.#rows });
    footer.set(fileMetaData.rowGroups, {
      type: thriftType.list,
      value: { type: thriftType.struct, values: this.#rowGroups },
    });
    const entries = [...metadata].map(([key, value]) => keyValueStruct(key, value));
    const own = list(footer, fileMetaData.keyValueMetadata);
    footer.set(fileMetaData.keyValueMetadata, {
      type: thriftType.list,
      value: { type: thriftType.struct, values: [...own, ...entries] },
    });
    const bytes = encodeThrift(footer);
    const end = new Uint8Array(bytes.length + 4 + parquetMagic.length);
    end.set(bytes);
    new DataView(end.buffer).setUint32(bytes.length, bytes.length, true);
    end.set(parquetMagic, bytes.length + 4);
    return end;
  }
}

function readFooter(file: Uint8Array): ThriftStruct {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = file.length - 8;
  return decodeThrift(file.subarray(end - view.getUint32(end, true), end));
}

/** The chunk at another place of a file. Its page index is left out: it stays behind with the file it came from. */
function moved(column: ThriftStruct, by: bigint): ThriftStruct {
  const metaData = new Map(struct(column, columnChunk.metaData));
  for (let id = columnMetaData.dataPageOffset; id <= columnMetaData.dictionaryPageOffset; id++) shift(metaData, id, by);
  const copy = new Map(column);
  copy.set(columnChunk.metaData, { type: thriftType.struct, value: metaData });
  for (let id = columnChunk.offsetIndexOffset; id <= columnChunk.columnIndexLength; id++) copy.delete(id);
  // Deprecated, and 0 in files of today.
  if (int(copy, columnChunk.fileOffset) !== 0n) shift(copy, columnChunk.fileOffset, by);
  return copy;
}

function shift(of: ThriftStruct, id: number, by: bigint): void {
  const offset = int(of, id);
  if (offset !== undefined) of.set(id, { type: thriftType.i64, value: offset + by });
}

function keyValueStruct(key: string, value: string): ThriftValue {
  const encoder = new TextEncoder();
  return new Map([
    [keyValue.key, { type: thriftType.binary, value: encoder.encode(key) }],
    [keyValue.value, { type: thriftType.binary, value: encoder.encode(value) }],
  ]);
}

function struct(of: ThriftStruct, id: number): ThriftStruct {
  const value = of.get(id)?.value;
  if (!(value instanceof Map)) throw new RangeError(`the Parquet footer lacks a struct (field ${id})`);
  return value;
}

function list(of: ThriftStruct, id: number): readonly ThriftValue[] {
  return (of.get(id)?.value as ThriftList | undefined)?.values ?? [];
}

function int(of: ThriftStruct, id: number): bigint | undefined {
  return of.get(id)?.value as bigint | undefined;
}
