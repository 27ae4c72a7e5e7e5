/**
 * Some rows of a record batch, in any order: values are copied into new memory, dictionaries and the bytes behind views are
 * shared. In, a batch and row numbers; out, a batch of the same schema.
 */
import { Data, DataType, type RecordBatch, Type, UnionMode } from "apache-arrow";
import { makeRecordBatch } from "./record-batch.js";

/** @param rows numbers of rows, from 0 */
export function takeRows(batch: RecordBatch, rows: Int32Array): RecordBatch {
  const children = batch.data.children.map((data) => takeValues(data, rows));
  return makeRecordBatch(batch.schema, new Data(batch.data.type, 0, rows.length, 0, undefined, children));
}

/** Some values of a column. @param rows numbers of values, from 0 */
export function takeValues(data: Data, rows: Int32Array): Data {
  const type: DataType = data.type;
  const { length } = rows;
  if (type.typeId === Type.Null) return new Data(type, 0, length, length);
  if (DataType.isUnion(type)) {
    const typeIds = gathered(data.typeIds as unknown as Int8Array, 1, rows);
    if (type.mode === UnionMode.Dense) {
      const offsets = gathered(data.valueOffsets as Int32Array, 1, rows);
      return new Data(type as DataType, 0, length, 0, [offsets, undefined, undefined, typeIds] as never, data.children);
    }
    const children = data.children.map((child) => takeValues(child, rows));
    return new Data(type as DataType, 0, length, 0, [undefined, undefined, undefined, typeIds] as never, children);
  }
  const nulls = Math.max(0, data.nullCount);
  const validity = nulls > 0 ? takenBits(data.nullBitmap, data.offset, rows) : undefined;
  const made = (offsets: unknown, values: unknown, children: Data[] = []) => {
    // -1: counted when somebody asks.
    const buffers = [offsets, values, validity] as never;
    const { dictionary, variadicBuffers } = data;
    return new Data(type, 0, length, nulls > 0 ? -1 : 0, buffers, children, dictionary, variadicBuffers);
  };
  switch (type.typeId) {
    case Type.Bool:
      return made(undefined, takenBits(data.values as unknown as Uint8Array, data.offset, rows));
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary: {
      const { offsets, positions } = lengths(data, rows);
      return made(offsets, takenBytes(data.values as unknown as Uint8Array, positions));
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const { offsets, positions } = lengths(data, rows);
      return made(offsets, undefined, [takeValues(data.children[0]!, everyPosition(positions))]);
    }
    case Type.FixedSizeList: {
      const size = data.stride;
      const positions = new Int32Array(length * size);
      for (let index = 0; index < positions.length; index++) {
        positions[index] = rows[Math.floor(index / size)]! * size + (index % size);
      }
      return made(undefined, undefined, [takeValues(data.children[0]!, positions)]);
    }
    case Type.Struct:
      return made(
        undefined,
        undefined,
        data.children.map((child) => takeValues(child, rows)),
      );
    default:
      return made(undefined, gathered(data.values as unknown as Values, perRow(data), rows));
  }
}

type Values = Int8Array | Uint8Array | Int32Array | BigInt64Array;
type ArrayClass = new (length: number) => Values;

/** Array elements of one row, of a type whose values have one size. */
function perRow({ type, stride, values }: Data): number {
  if (DataType.isDictionary(type) || values === undefined) return 1;
  const bytes =
    DataType.isUtf8View(type) || DataType.isBinaryView(type) ? 16 : stride * type.ArrayType.BYTES_PER_ELEMENT;
  return bytes / (values as unknown as Uint8Array).BYTES_PER_ELEMENT;
}

/** @param size elements of a row */
function gathered(values: Values, size: number, rows: Int32Array): Values {
  const count = rows.length * size;
  // A Buffer, too, is copied to a plain array.
  const taken = values instanceof Uint8Array ? new Uint8Array(count) : new (values.constructor as ArrayClass)(count);
  if (size === 1) for (let row = 0; row < rows.length; row++) taken[row] = values[rows[row]!]!;
  else {
    for (let row = 0; row < rows.length; row++) {
      const from = rows[row]! * size;
      for (let index = 0; index < size; index++) taken[row * size + index] = values[from + index]!;
    }
  }
  return taken;
}

function takenBits(bits: Uint8Array, offset: number, rows: Int32Array): Uint8Array {
  const taken = new Uint8Array((rows.length + 7) >> 3);
  for (let row = 0; row < rows.length; row++) {
    const bit = offset + rows[row]!;
    if ((bits[bit >> 3]! >> (bit & 7)) & 1) taken[row >> 3]! |= 1 << (row & 7);
  }
  return taken;
}

/** First and last positions, alternating, of each row's bytes or list elements; and the offsets that they have when taken. */
function lengths(data: Data, rows: Int32Array) {
  const from = data.valueOffsets as unknown as Int32Array | BigInt64Array;
  const positions = new Float64Array(2 * rows.length);
  const offsets = from instanceof BigInt64Array ? new BigInt64Array(rows.length + 1) : new Int32Array(rows.length + 1);
  let end = 0;
  for (let row = 0; row < rows.length; row++) {
    const first = Number(from[rows[row]!]);
    const last = Number(from[rows[row]! + 1]);
    positions[2 * row] = first;
    positions[2 * row + 1] = last;
    end += last - first;
    offsets[row + 1] = offsets instanceof BigInt64Array ? BigInt(end) : (end as never);
  }
  return { offsets, positions };
}

function takenBytes(bytes: Uint8Array, positions: Float64Array): Uint8Array {
  let size = 0;
  for (let index = 0; index < positions.length; index += 2) size += positions[index + 1]! - positions[index]!;
  const taken = new Uint8Array(size);
  let at = 0;
  for (let index = 0; index < positions.length; index += 2) {
    const first = positions[index]!;
    const last = positions[index + 1]!;
    if (last - first > 24) taken.set(bytes.subarray(first, last), at);
    else for (let byte = first; byte < last; byte++) taken[at + byte - first] = bytes[byte]!;
    at += last - first;
  }
  return taken;
}

function everyPosition(positions: Float64Array): Int32Array {
  let size = 0;
  for (let index = 0; index < positions.length; index += 2) size += positions[index + 1]! - positions[index]!;
  const every = new Int32Array(size);
  let at = 0;
  for (let index = 0; index < positions.length; index += 2) {
    for (let position = positions[index]!; position < positions[index + 1]!; position++) every[at++] = position;
  }
  return every;
}
