/**
 * Builds the record batches of one schema from their messages: the hot path of the package.
 *
 * A batch's message repeats nothing of the schema, it only lists field nodes and buffers in the schema's depth-first
 * order. So the schema is compiled once, to a tree of `ColumnPlan`, and a batch is made by walking it with two cursors.
 * Buffers are views of the body; only a compressed buffer, or one that does not lie at a multiple of its element size,
 * is copied. What a node and a buffer claim is checked against the body before anything is allocated.
 */
import {
  Data,
  type DataType,
  type Field,
  IntervalUnit,
  type RecordBatch,
  type Schema,
  Struct,
  Type,
} from "apache-arrow";
import { type BodyCodec, type CodecName, codecNames } from "../codec/body-codec.js";
import { recordBatch } from "../record-batch.js";
import { invalidIpc } from "./invalid-ipc.js";
import { type IpcMessage, indirect, readLength, structVector, tableField } from "./message.js";
import { RestoredBytes } from "./restored-bytes.js";

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

const layouts: { readonly [type in Type]?: Layout } = {
  [Type.Null]: "none",
  [Type.Bool]: "bits",
  [Type.Int]: "fixed",
  [Type.Float]: "fixed",
  [Type.Decimal]: "fixed",
  [Type.Date]: "fixed",
  [Type.Time]: "fixed",
  [Type.Timestamp]: "fixed",
  [Type.Interval]: "fixed",
  [Type.Duration]: "fixed",
  [Type.FixedSizeBinary]: "fixed",
  [Type.Utf8]: "bytes",
  [Type.LargeUtf8]: "bytes",
  [Type.Binary]: "bytes",
  [Type.LargeBinary]: "bytes",
  [Type.List]: "list",
  [Type.LargeList]: "list",
  [Type.Map]: "list",
  [Type.Struct]: "struct",
  [Type.FixedSizeList]: "fixedSizeList",
};

function compileColumn(field: Field): ColumnPlan | undefined {
  const type: DataType = field.type;
  const layout = layouts[type.typeId as Type];
  if (layout === undefined) return undefined;
  const children: ColumnPlan[] = [];
  for (const child of type.children ?? []) {
    const plan = compileColumn(child);
    if (plan === undefined) return undefined;
    children.push(plan);
  }
  const { ArrayType, OffsetArrayType } = type as unknown as Record<string, TypedArrayConstructor>;
  return {
    name: field.name,
    type,
    layout,
    stride: strideOf(type),
    ArrayType: ArrayType ?? Uint8Array,
    OffsetType: OffsetArrayType ?? Int32Array,
    children,
  };
}

/** As apache-arrow counts it: in elements of the type's `ArrayType`. */
function strideOf(type: DataType): number {
  switch (type.typeId) {
    case Type.Decimal:
      return (type as unknown as { bitWidth: number }).bitWidth / 32;
    case Type.Interval: {
      const { unit } = type as unknown as { unit: IntervalUnit };
      return unit === IntervalUnit.MONTH_DAY_NANO ? 4 : unit === IntervalUnit.DAY_TIME ? 2 : 1;
    }
    case Type.FixedSizeBinary:
      return (type as unknown as { byteWidth: number }).byteWidth;
    case Type.FixedSizeList:
      return (type as unknown as { listSize: number }).listSize;
    default:
      return 1;
  }
}

/** The codec that a record batch message asks for, undefined for a plain body. */
export function codecOf(view: DataView, message: IpcMessage): CodecName | undefined {
  const field = tableField(view, message.header, 3);
  if (field === 0) return undefined;
  const compression = indirect(view, field);
  const codecField = tableField(view, compression, 0);
  const codec = codecNames[codecField === 0 ? 0 : view.getInt8(codecField)];
  if (codec === undefined) throw invalidIpc("its bodies are compressed with a codec that Arrow does not define");
  return codec;
}

export class RecordBatchPlan {
  readonly schema: Schema;
  readonly #columns: readonly ColumnPlan[];
  readonly #struct: Struct;

  /** The plan for a schema, or undefined where it has a type that needs more than this (dictionary, union, view). */
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
   * @param bytes holds the message; `view` looks at the same bytes.
   * @throws SparkStreamError INVALID_IPC where the message does not fit the schema or its own body.
   */
  batch(bytes: Uint8Array, view: DataView, message: IpcMessage, codec: BodyCodec | undefined): RecordBatch {
    const lengthField = tableField(view, message.header, 0);
    const length = lengthField === 0 ? 0 : readLength(view, lengthField);
    const body = new BodyReader(bytes, view, message, codec);
    const children: Data[] = [];
    for (const column of this.#columns) {
      const child = readColumn(column, body);
      if (child.length !== length) {
        throw invalidIpc(`a batch of ${length} rows has ${child.length} in column ${JSON.stringify(column.name)}`);
      }
      children.push(child);
    }
    return recordBatch(this.schema, new Data(this.#struct, 0, length, 0, undefined, children));
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
        return enough(child, length, plan);
      });
      return new Data(type, 0, length, nullCount, [undefined, undefined, validity], children);
    }
  }
}

function readChild(column: ColumnPlan, body: BodyReader, length: number): Data {
  const plan = column.children[0]!;
  return enough(readColumn(plan, body), length, plan);
}

function enough(child: Data, length: number, plan: ColumnPlan): Data {
  if (child.length >= length) return child;
  throw invalidIpc(`${length} values of ${JSON.stringify(plan.name)} are referred to, and ${child.length} are there`);
}

const noValidity = new Uint8Array(0);

/** The two cursors over a record batch message: one on its field nodes, one on its buffers. */
class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #message: IpcMessage;
  readonly #codec: BodyCodec | undefined;
  readonly #restored = new RestoredBytes();
  #node: number;
  readonly #nodesEnd: number;
  #buffer: number;
  readonly #buffersEnd: number;
  /** Nulls of the node last read; -1 where they are to be counted. */
  nullCount = 0;

  constructor(bytes: Uint8Array, view: DataView, message: IpcMessage, codec: BodyCodec | undefined) {
    this.#bytes = bytes;
    this.#view = view;
    this.#message = message;
    this.#codec = codec;
    [this.#node, this.#nodesEnd] = structVector(view, message, message.header, 1, 16);
    [this.#buffer, this.#buffersEnd] = structVector(view, message, message.header, 2, 16);
  }

  /** Moves to the next field node and returns its length, in values. */
  nextNode(column: ColumnPlan): number {
    if (this.#node >= this.#nodesEnd) throw invalidIpc(`it has no field node for ${JSON.stringify(column.name)}`);
    const length = readLength(this.#view, this.#node);
    // apache-arrow writes -1 for parts of a slice.
    const unknown = this.#view.getBigInt64(this.#node + 8, true) === -1n;
    this.nullCount = unknown ? -1 : readLength(this.#view, this.#node + 8);
    this.#node += 16;
    if (this.nullCount > length) throw invalidIpc(`it says ${this.nullCount} of ${length} values are null`);
    return length;
  }

  /** The validity bitmap; a column without nulls gets none, whatever was sent for it. */
  nextValidity(length: number): Uint8Array {
    if (this.nullCount === -1 && this.#nextIsEmpty()) this.nullCount = 0;
    if (this.nullCount !== 0) return this.next(Uint8Array, Math.ceil(length / 8)) as Uint8Array;
    this.#skip();
    return noValidity;
  }

  /** `length + 1` offsets. A writer may leave them out where there is no value at all, as Arrow's Java library does. */
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

  /** The next buffer as `count` elements. */
  next(ArrayType: TypedArrayConstructor, count: number): TypedArray {
    const size = this.#bytesOfNext();
    const start = this.#message.bodyStart + readLength(this.#view, this.#buffer);
    this.#buffer += 16;
    if (start + size > this.#message.end) throw invalidIpc(`a buffer of ${size} bytes reaches beyond its body`);
    if (this.#codec !== undefined && size > 0) return this.#decompressed(ArrayType, count, start, size, this.#codec);
    const wanted = count * ArrayType.BYTES_PER_ELEMENT;
    if (size < wanted) throw invalidIpc(`a buffer has ${size} bytes where ${wanted} are needed`);
    return viewOf(ArrayType, this.#bytes, start, count);
  }

  /** A compressed buffer is an int64 with its size once restored (-1: it is plain) and then its bytes. */
  #decompressed(ArrayType: TypedArrayConstructor, count: number, start: number, size: number, codec: BodyCodec) {
    if (size < 8) throw invalidIpc(`a compressed buffer of ${size} bytes`);
    const wanted = count * ArrayType.BYTES_PER_ELEMENT;
    const plain = this.#view.getBigInt64(start, true) === -1n;
    const length = plain ? size - 8 : readLength(this.#view, start);
    if (length < wanted) throw invalidIpc(`a buffer has ${length} bytes where ${wanted} are needed`);
    if (plain) return viewOf(ArrayType, this.#bytes, start + 8, count);
    this.#restored.add(length, wanted);
    return viewOf(ArrayType, codec(this.#bytes.subarray(start + 8, start + size), length), 0, count);
  }

  #bytesOfNext(): number {
    if (this.#buffer >= this.#buffersEnd) throw invalidIpc("it has fewer buffers than its schema needs");
    return readLength(this.#view, this.#buffer + 8);
  }

  /** Compressed, even nothing may have the eight bytes of its length. */
  #nextIsEmpty(): boolean {
    const size = this.#bytesOfNext();
    return size === 0 || (this.#codec !== undefined && size === 8);
  }

  #skip(): void {
    if (this.#buffer >= this.#buffersEnd) throw invalidIpc("it has fewer buffers than its schema needs");
    this.#buffer += 16;
  }
}

function viewOf(ArrayType: TypedArrayConstructor, bytes: Uint8Array, start: number, count: number): TypedArray {
  const position = bytes.byteOffset + start;
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (position % size === 0) return new ArrayType(bytes.buffer, position, count);
  // Not bytes.slice(): that of a Buffer makes a view.
  const copy = new Uint8Array(count * size);
  copy.set(bytes.subarray(start, start + copy.length));
  return new ArrayType(copy.buffer, 0, count);
}
