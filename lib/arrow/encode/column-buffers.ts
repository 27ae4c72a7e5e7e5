/**
 * The field nodes and buffers of a record batch's column, as Arrow's IPC format lists them: depth first. Buffers are
 * views of the batch's own memory, except that a slice may have to be moved to bit 0 or offset 0.
 *
 * apache-arrow's own writer isn't used: it slices the views of a sliced Utf8View or BinaryView twice, writes -1 for the
 * nulls of a sliced Null column, and walks a sliced bitmap bit by bit.
 */
import {
  type Data,
  DataType,
  type Dictionary,
  type Field,
  type RecordBatch,
  Type,
  type Union,
  UnionMode,
  type Vector,
} from "apache-arrow";
import { SparkStreamError } from "../../errors.js";

/** The values of a dictionary, and their type in the schema. */
export interface WrittenDictionary {
  readonly vector: Vector;
  readonly type: DataType;
}

export interface ColumnBuffers {
  /** Rows. */
  readonly length: number;
  /** Length and null count of each field, alternating. */
  readonly nodes: readonly number[];
  readonly buffers: readonly Uint8Array[];
  /** The number of data buffers of each Utf8View and BinaryView. */
  readonly variadicCounts: readonly number[];
  /** Dictionaries by their id in the schema; without the dictionaries nested in their values. */
  readonly dictionaries: ReadonlyMap<number, WrittenDictionary>;
  /** Size of all buffers, in bytes. */
  readonly byteLength: number;
}

/**
 * @param type the column's type in the written schema: the data's own type, except for the ids of dictionaries
 * @throws RangeError if a buffer or a child is shorter than the column says.
 */
export function columnBuffers(data: Data, type: DataType = data.type): ColumnBuffers {
  const column = new ColumnWalk();
  column.field(data, data.length, type);
  const { nodes, buffers, variadicCounts, dictionaries } = column;
  const byteLength = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  return { length: data.length, nodes, buffers, variadicCounts, dictionaries, byteLength };
}

/**
 * Returns the buffers of `count` rows of a batch's columns, from row `start` on.
 *
 * @param fields the fields of the written schema
 * @throws SparkStreamError INVALID_INPUT naming the column that is broken
 */
export function batchBuffers(
  batch: RecordBatch,
  fields: readonly Field[],
  start = 0,
  count = batch.numRows,
): ColumnBuffers[] {
  return batch.data.children.map((data, index) => {
    const { name, type } = fields[index]!;
    try {
      return columnBuffers(start === 0 && count === data.length ? data : data.slice(start, count), type);
    } catch (cause) {
      throw brokenColumn(`Column \`${name}\``, cause);
    }
  });
}

export function brokenColumn(what: string, cause: unknown): SparkStreamError {
  const message = `${what} of a record batch is broken: ${(cause as Error).message}.`;
  return new SparkStreamError("INVALID_INPUT", message, { cause });
}

/** Joins all columns of a batch, as its message lists them. */
export function joinedBuffers(length: number, columns: readonly ColumnBuffers[]): ColumnBuffers {
  return {
    length,
    nodes: columns.flatMap(({ nodes }) => nodes),
    buffers: columns.flatMap(({ buffers }) => buffers),
    variadicCounts: columns.flatMap(({ variadicCounts }) => variadicCounts),
    dictionaries: joinedDictionaries(columns),
    byteLength: columns.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
}

function joinedDictionaries(columns: readonly ColumnBuffers[]): Map<number, WrittenDictionary> {
  const joined = new Map<number, WrittenDictionary>();
  for (const { dictionaries } of columns) {
    for (const [id, { vector, type }] of dictionaries) addDictionary(joined, id, vector, type);
  }
  return joined;
}

/** @throws RangeError if the id has another dictionary already */
export function addDictionary(
  dictionaries: Map<number, WrittenDictionary>,
  id: number,
  vector: Vector,
  type: DataType,
): void {
  const other = dictionaries.get(id)?.vector;
  if (other !== undefined && other !== vector) throw new RangeError(`two dictionaries have the id ${id}`);
  dictionaries.set(id, { vector, type });
}

const none = new Uint8Array(0);

class ColumnWalk {
  readonly nodes: number[] = [];
  readonly buffers: Uint8Array[] = [];
  readonly variadicCounts: number[] = [];
  readonly dictionaries = new Map<number, WrittenDictionary>();

  field(data: Data, length: number, type: DataType): void {
    if (data.length < length) throw new RangeError(`it has ${data.length} values where ${length} are referred to`);
    const whole = data.length === length ? data : data.slice(0, length);
    if (type.typeId === Type.Null) {
      this.nodes.push(length, length);
      return;
    }
    if (DataType.isUnion(type)) {
      this.#union(whole, type, length);
      return;
    }
    const nulls = Math.max(0, whole.nullCount);
    this.nodes.push(length, nulls);
    this.buffers.push(nulls > 0 ? bits(whole.nullBitmap, whole.offset, length) : none);
    this.#values(whole, type, length, nulls);
  }

  /** Adds a union, which has no nulls of its own: its values are those of its children. */
  #union(data: Data, type: Union, length: number): void {
    const dense = type.mode === UnionMode.Dense;
    this.nodes.push(length, 0);
    this.buffers.push(sized(bytesOf(data.typeIds), length, 0));
    if (dense) this.buffers.push(sized(bytesOf(data.valueOffsets), 4 * length, 0));
    this.#children(data, type, (child) => (dense ? child.length : length));
  }

  #children(data: Data, type: DataType, lengthOf: (child: Data) => number): void {
    const fields = type.children as Field[];
    if (data.children.length !== fields.length) {
      throw new RangeError(`it has ${data.children.length} children where its type has ${fields.length}`);
    }
    for (const [index, child] of data.children.entries()) this.field(child, lengthOf(child), fields[index]!.type);
  }

  #values(data: Data, type: DataType, length: number, nulls: number): void {
    switch (type.typeId as Type) {
      case Type.Struct:
        this.#children(data, type, () => length);
        return;
      case Type.FixedSizeList:
        this.#children(data, type, () => length * data.stride);
        return;
      case Type.List:
      case Type.LargeList:
      case Type.Map: {
        const [first, last] = this.#offsets(data, length);
        const child = data.children[0]!;
        if (last > child.length)
          throw new RangeError(`its offsets reach to ${last}, beyond its ${child.length} values`);
        const { type: childType } = type.children[0]!;
        this.field(first === 0 ? child : child.slice(first, last - first), last - first, childType);
        return;
      }
      case Type.Utf8:
      case Type.Binary:
      case Type.LargeUtf8:
      case Type.LargeBinary: {
        const [first, last] = this.#offsets(data, length);
        const bytes = bytesOf(data.values);
        if (last > bytes.length) throw new RangeError(`its offsets reach to ${last}, beyond its ${bytes.length} bytes`);
        this.buffers.push(bytes.subarray(first, last));
        return;
      }
      case Type.Utf8View:
      case Type.BinaryView:
        this.buffers.push(sized(bytesOf(data.values), 16 * length, nulls));
        for (const buffer of data.variadicBuffers) this.buffers.push(buffer);
        this.variadicCounts.push(data.variadicBuffers.length);
        return;
      case Type.Bool:
        this.buffers.push(
          bits(sized(bytesOf(data.values), (data.offset + length + 7) >> 3, nulls), data.offset, length),
        );
        return;
      case Type.Dictionary:
        this.#dictionary(data, type as Dictionary);
    }
    this.buffers.push(sized(bytesOf(data.values), length * valueWidth(data), nulls));
  }

  /** Adds `length + 1` offsets that begin with 0, and returns where they begin and end in the data. */
  #offsets(data: Data, length: number): [number, number] {
    const offsets = data.valueOffsets as Int32Array | BigInt64Array | undefined;
    if (offsets === undefined || length === 0) {
      this.buffers.push(new Uint8Array(8));
      return [0, 0];
    }
    if (offsets.length <= length) throw new RangeError(`it has ${offsets.length} offsets for ${length} values`);
    const first = Number(offsets[0]);
    const last = Number(offsets[length]);
    if (first < 0 || last < first) throw new RangeError(`its offsets run from ${first} to ${last}`);
    this.buffers.push(bytesOf(first === 0 ? offsets.subarray(0, length + 1) : rebased(offsets, length + 1)));
    return [first, last];
  }

  #dictionary({ dictionary }: Data, type: Dictionary): void {
    if (dictionary === undefined) throw new RangeError("it is dictionary-encoded and has no dictionary");
    addDictionary(this.dictionaries, type.id, dictionary, type.dictionary);
  }
}

/** Bytes per value of a type with values of one size. */
function valueWidth({ type, stride }: Data): number {
  return DataType.isDictionary(type) ? type.indices.bitWidth / 8 : stride * type.ArrayType.BYTES_PER_ELEMENT;
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined ? none : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The first `size` bytes. apache-arrow stores no values for rows that it filled with nulls. */
function sized(bytes: Uint8Array, size: number, nulls: number): Uint8Array {
  if (bytes.length >= size) return bytes.subarray(0, size);
  if (nulls === 0) throw new RangeError(`it has ${bytes.length} bytes of values where ${size} are needed`);
  const padded = new Uint8Array(size);
  padded.set(bytes);
  return padded;
}

/** `length` bits from bit `offset` on, moved to bit 0. */
function bits(source: Uint8Array | undefined, offset: number, length: number): Uint8Array {
  if (source === undefined || 8 * source.length < offset + length) {
    throw new RangeError(`it has ${8 * (source?.length ?? 0)} bits where ${offset + length} are needed`);
  }
  const size = (length + 7) >> 3;
  const shift = offset & 7;
  const from = offset >> 3;
  if (shift === 0) return source.subarray(from, from + size);
  const moved = new Uint8Array(size);
  for (let index = 0; index < size; index++) {
    moved[index] = (source[from + index]! >> shift) | ((source[from + index + 1] ?? 0) << (8 - shift));
  }
  return moved;
}

function rebased(offsets: Int32Array | BigInt64Array, count: number): Int32Array | BigInt64Array {
  if (offsets instanceof BigInt64Array) {
    const first = offsets[0]!;
    return offsets.slice(0, count).map((offset) => offset - first);
  }
  const first = offsets[0]!;
  return offsets.slice(0, count).map((offset) => offset - first);
}
