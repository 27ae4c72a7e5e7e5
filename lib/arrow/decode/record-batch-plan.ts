/**
 * Builds the record batches of one schema from their messages: the hot path of the package.
 *
 * A batch's message repeats nothing of the schema; it only lists field nodes and buffers in the schema's depth-first
 * order. So the schema is compiled once, to a tree of `ColumnPlan`, and a batch is made by walking the tree with two
 * cursors. Buffers are views of the body; only a compressed buffer, or one that is not aligned to its element size, is
 * copied. The lengths in nodes and buffers are checked against the body before anything is allocated.
 */
import { Data, type DataType, type Field, IntervalUnit, type RecordBatch, type Schema, Struct } from "apache-arrow";
import { byType, type TypeTable } from "../arrow-type.js";
import type { BodyCodec } from "../codec/body-codec.js";
import { indirect, tableField } from "../flatbuffer.js";
import { type CodecName, codecNames, fields, STRUCT_BYTES } from "../format.js";
import { makeRecordBatch } from "../record-batch.js";
import { DecompressedBytes } from "./decompressed-bytes.js";
import { invalidIpc } from "./invalid-ipc.js";
import { batchLength, type MessageLocation, readLength, structVector } from "./message.js";

type TypedArray = Uint8Array | Int32Array | BigInt64Array;
type TypedArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
};

/** How the buffers of a type lie in the body (Arrow columnar format, "Physical memory layout"). */
type Layout = "none" | "bits" | "fixed" | "bytes" | "list" | "struct" | "fixedSizeList";

interface ColumnPlan {
  readonly name: string;
  readonly type: DataType;
  readonly layout: Layout;
  /** Elements of `ArrayType` per value, for "fixed"; values per list, for "fixedSizeList". */
  readonly stride: number;
  readonly ArrayType: TypedArrayConstructor;
  readonly OffsetType: TypedArrayConstructor;
  readonly children: readonly ColumnPlan[];
}

/** The layout of each type, and its elements per value. Undefined for types that this plan does not support. */
const layouts: TypeTable<readonly [Layout, stride: number] | undefined> = {
  Null: () => ["none", 1],
  Bool: () => ["bits", 1],
  Int: () => ["fixed", 1],
  Float: () => ["fixed", 1],
  Decimal: ({ bitWidth }) => ["fixed", bitWidth / 32],
  Date: () => ["fixed", 1],
  Time: () => ["fixed", 1],
  Timestamp: () => ["fixed", 1],
  Duration: () => ["fixed", 1],
  Interval: ({ unit }) => ["fixed", intervalWords[unit]],
  FixedSizeBinary: ({ byteWidth }) => ["fixed", byteWidth],
  Utf8: () => ["bytes", 1],
  LargeUtf8: () => ["bytes", 1],
  Binary: () => ["bytes", 1],
  LargeBinary: () => ["bytes", 1],
  List: () => ["list", 1],
  LargeList: () => ["list", 1],
  Map: () => ["list", 1],
  FixedSizeList: ({ listSize }) => ["fixedSizeList", listSize],
  Struct: () => ["struct", 1],
  Utf8View: () => undefined,
  BinaryView: () => undefined,
  Union: () => undefined,
  Dictionary: () => undefined,
};

/** The number of int32 words in an interval. */
const intervalWords: { readonly [unit in IntervalUnit]: number } = {
  [IntervalUnit.YEAR_MONTH]: 1,
  [IntervalUnit.DAY_TIME]: 2,
  [IntervalUnit.MONTH_DAY_NANO]: 4,
};

function compileColumn(field: Field): ColumnPlan | undefined {
  const type: DataType = field.type;
  const [layout, stride = 1] = byType(type, layouts) ?? [];
  if (layout === undefined) return undefined;
  const children: ColumnPlan[] = [];
  for (const child of type.children ?? []) {
    const plan = compileColumn(child);
    if (plan === undefined) return undefined;
    children.push(plan);
  }
  return {
    name: field.name,
    type,
    layout,
    stride,
    ArrayType: type.ArrayType ?? Uint8Array,
    OffsetType: type.OffsetArrayType ?? Int32Array,
    children,
  };
}

/** The codec of a record batch message's body; undefined if the body is not compressed. */
export function codecOf(view: DataView, message: MessageLocation): CodecName | undefined {
  const field = tableField(view, message.header, fields.RecordBatch.compression);
  if (field === 0) return undefined;
  const compression = indirect(view, field);
  const codecField = tableField(view, compression, fields.BodyCompression.codec);
  const codec = codecNames[codecField === 0 ? 0 : view.getInt8(codecField)];
  if (codec === undefined) throw invalidIpc("its bodies are compressed with a codec that Arrow does not define");
  return codec;
}

export class RecordBatchPlan {
  readonly schema: Schema;
  readonly #columns: readonly ColumnPlan[];
  readonly #struct: Struct;

  /** Compiles the plan for a schema; undefined if it has a type that plans do not support (dictionary, union, view). */
  static compile(schema: Schema): RecordBatchPlan | undefined {
    const columns = schema.fields.map(compileColumn);
    return columns.includes(undefined) ? undefined : new RecordBatchPlan(schema, columns as ColumnPlan[]);
  }

  private constructor(schema: Schema, columns: readonly ColumnPlan[]) {
    this.schema = schema;
    this.#columns = columns;
    this.#struct = new Struct(schema.fields);
  }

  /**
   * Builds the record batch of a message.
   *
   * @param bytes holds the message; `view` is a view of the same bytes.
   * @throws SparkStreamError INVALID_IPC if the message does not fit the schema or its own body.
   */
  batch(bytes: Uint8Array, view: DataView, message: MessageLocation, codec: BodyCodec | undefined): RecordBatch {
    const length = batchLength(view, message.header);
    const body = new BodyReader(bytes, view, message, codec);
    const children: Data[] = [];
    for (const column of this.#columns) {
      const child = readColumn(column, body);
      if (child.length !== length) {
        throw invalidIpc(`a batch of ${length} rows has ${child.length} in column ${JSON.stringify(column.name)}`);
      }
      children.push(child);
    }
    return makeRecordBatch(this.schema, new Data(this.#struct, 0, length, 0, undefined, children));
  }
}

function readColumn(column: ColumnPlan, body: BodyReader): Data {
  const { type, layout } = column;
  const length = body.nextNode(column);
  if (layout === "none") return new Data(type, 0, length, length);

  const validity = body.nextValidity(length);
  const nullCount = body.nullCount;
  switch (layout) {
    case "bits":
      return new Data(type, 0, length, nullCount, [undefined, body.next(Uint8Array, Math.ceil(length / 8)), validity]);
    case "fixed": {
      const values = body.next(column.ArrayType, length * column.stride);
      return new Data(type, 0, length, nullCount, [undefined, values, validity]);
    }
    case "bytes": {
      const offsets = body.nextOffsets(column.OffsetType, length);
      const values = body.next(Uint8Array, Number(offsets[length]));
      return new Data(type, 0, length, nullCount, [offsets, values, validity]);
    }
    case "list": {
      const offsets = body.nextOffsets(column.OffsetType, length);
      const child = readChild(column, body, Number(offsets[length]));
      return new Data(type, 0, length, nullCount, [offsets, undefined, validity], [child]);
    }
    case "fixedSizeList": {
      const child = readChild(column, body, length * column.stride);
      return new Data(type, 0, length, nullCount, [undefined, undefined, validity], [child]);
    }
    case "struct": {
      const children = column.children.map((plan) => {
        const child = readColumn(plan, body);
        return checkedChild(child, length, plan);
      });
      return new Data(type, 0, length, nullCount, [undefined, undefined, validity], children);
    }
  }
}

function readChild(column: ColumnPlan, body: BodyReader, length: number): Data {
  const plan = column.children[0]!;
  return checkedChild(readColumn(plan, body), length, plan);
}

function checkedChild(child: Data, length: number, plan: ColumnPlan): Data {
  if (child.length >= length) return child;
  throw invalidIpc(`${length} values of ${JSON.stringify(plan.name)} are referred to, and ${child.length} are there`);
}

const noValidity = new Uint8Array(0);

/** The two cursors over a record batch message: one on its field nodes, one on its buffers. */
class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #message: MessageLocation;
  readonly #codec: BodyCodec | undefined;
  readonly #decompressedBytes = new DecompressedBytes();
  #node: number;
  readonly #nodesEnd: number;
  #buffer: number;
  readonly #buffersEnd: number;
  /** The null count of the node last read; -1: not known, to be counted. */
  nullCount = 0;

  constructor(bytes: Uint8Array, view: DataView, message: MessageLocation, codec: BodyCodec | undefined) {
    this.#bytes = bytes;
    this.#view = view;
    this.#message = message;
    this.#codec = codec;
    [this.#node, this.#nodesEnd] = structVector(view, message, message.header, fields.RecordBatch.nodes, STRUCT_BYTES);
    [this.#buffer, this.#buffersEnd] = structVector(
      view,
      message,
      message.header,
      fields.RecordBatch.buffers,
      STRUCT_BYTES,
    );
  }

  /** Moves to the next field node and returns its length, in values. */
  nextNode(column: ColumnPlan): number {
    if (this.#node >= this.#nodesEnd) throw invalidIpc(`it has no field node for ${JSON.stringify(column.name)}`);
    const length = readLength(this.#view, this.#node);
    // apache-arrow writes -1 for columns of a slice.
    const unknown = this.#view.getBigInt64(this.#node + 8, true) === -1n;
    this.nullCount = unknown ? -1 : readLength(this.#view, this.#node + 8);
    this.#node += STRUCT_BYTES;
    if (this.nullCount > length) throw invalidIpc(`it says ${this.nullCount} of ${length} values are null`);
    return length;
  }

  /** Reads the validity bitmap. A column without nulls gets an empty one, even if one was sent. */
  nextValidity(length: number): Uint8Array {
    if (this.nullCount === -1 && this.#nextIsEmpty()) this.nullCount = 0;
    if (this.nullCount !== 0) return this.next(Uint8Array, Math.ceil(length / 8)) as Uint8Array;
    this.#skip();
    return noValidity;
  }

  /** Reads `length + 1` offsets. If there are no values, a writer may omit them, as Arrow's Java library does. */
  nextOffsets(OffsetType: TypedArrayConstructor, length: number): TypedArray {
    if (length === 0 && this.#nextIsEmpty()) {
      this.#skip();
      return new OffsetType(1);
    }
    const offsets = this.next(OffsetType, length + 1);
    if (Number(offsets[0]) < 0 || Number(offsets[length]) < Number(offsets[0])) {
      throw invalidIpc(`its offsets run from ${offsets[0]} to ${offsets[length]}`);
    }
    return offsets;
  }

  /** Reads the next buffer as `count` elements. */
  next(ArrayType: TypedArrayConstructor, count: number): TypedArray {
    const size = this.#bytesOfNext();
    const start = this.#message.bodyStart + readLength(this.#view, this.#buffer);
    this.#buffer += STRUCT_BYTES;
    if (start + size > this.#message.end) throw invalidIpc(`a buffer of ${size} bytes reaches beyond its body`);
    if (this.#codec !== undefined && size > 0) return this.#decompressed(ArrayType, count, start, size, this.#codec);
    const wanted = count * ArrayType.BYTES_PER_ELEMENT;
    if (size < wanted) throw invalidIpc(`a buffer has ${size} bytes where ${wanted} are needed`);
    return viewOf(ArrayType, this.#bytes, start, count);
  }

  /** Decompresses a buffer: an int64 with its decompressed size (-1: not compressed), and then its bytes. */
  #decompressed(ArrayType: TypedArrayConstructor, count: number, start: number, size: number, codec: BodyCodec) {
    if (size < 8) throw invalidIpc(`a compressed buffer of ${size} bytes`);
    const wanted = count * ArrayType.BYTES_PER_ELEMENT;
    const plain = this.#view.getBigInt64(start, true) === -1n;
    const length = plain ? size - 8 : readLength(this.#view, start);
    if (length < wanted) throw invalidIpc(`a buffer has ${length} bytes where ${wanted} are needed`);
    if (plain) return viewOf(ArrayType, this.#bytes, start + 8, count);
    this.#decompressedBytes.add(length, wanted);
    return viewOf(ArrayType, codec(this.#bytes.subarray(start + 8, start + size), length), 0, count);
  }

  #bytesOfNext(): number {
    if (this.#buffer >= this.#buffersEnd) throw invalidIpc("it has fewer buffers than its schema needs");
    return readLength(this.#view, this.#buffer + 8);
  }

  /** Whether the next buffer is empty. In a compressed body even an empty buffer may have the 8 bytes of its length. */
  #nextIsEmpty(): boolean {
    const size = this.#bytesOfNext();
    return size === 0 || (this.#codec !== undefined && size === 8);
  }

  #skip(): void {
    if (this.#buffer >= this.#buffersEnd) throw invalidIpc("it has fewer buffers than its schema needs");
    this.#buffer += STRUCT_BYTES;
  }
}

function viewOf(ArrayType: TypedArrayConstructor, bytes: Uint8Array, start: number, count: number): TypedArray {
  const position = bytes.byteOffset + start;
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (position % size === 0) return new ArrayType(bytes.buffer, position, count);
  // Not bytes.slice(): Buffer's slice() returns a view.
  const copy = new Uint8Array(count * size);
  copy.set(bytes.subarray(start, start + copy.length));
  return new ArrayType(copy.buffer, 0, count);
}
