/**
 * Checks values that refer to others: offsets of lists and strings, a union's child ids, a view's buffer, the indices
 * of a dictionary column. apache-arrow trusts them, and fails only when such a value is read, long after the stream
 * delivered it.
 */
import { type Data, DataType, type Dictionary, Type, type Union, UnionMode, type Vector } from "apache-arrow";
import { arrowType } from "../arrow-type.js";
import { invalidIpc } from "./invalid-ipc.js";

const VIEW_BYTES = 16;
/** The most bytes that a view stores inline. */
const MAX_INLINE = 12;

/** @throws SparkStreamError INVALID_IPC */
export function checkValues(data: Data): void {
  const { type } = data;
  checkValidity(data);
  if (DataType.isUnion(type)) checkUnion(data as Data<Union>);
  else if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) checkViews(data);
  else if (DataType.isDictionary(type)) checkIndexes(data as Data<Dictionary>);
  else checkSizes(data);
  for (const child of data.children) checkValues(child);
}

/** Checks that a column with nulls has a validity bitmap. Null and union columns have none. */
function checkValidity(data: Data): void {
  const { type, length, offset, nullBitmap } = data;
  if (DataType.isNull(type) || DataType.isUnion(type) || data.nullCount === 0) return;
  const bits = 8 * (nullBitmap?.length ?? 0);
  if (bits < offset + length) {
    throw invalidIpc(`it says ${data.nullCount} of ${length} values are null, and has validity for ${bits}`);
  }
}

/** Checks that there are as many offsets, elements and children as the column has values. */
function checkSizes(data: Data): void {
  const { values, valueOffsets, children, length } = data;
  const type = arrowType(data.type);
  switch (type.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
      checkOffsets(valueOffsets, length, values.length);
      break;
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      checkOffsets(valueOffsets, length, children[0]?.length ?? 0);
      break;
    case Type.FixedSizeList:
      checkChildren(children, length * type.listSize);
      break;
    case Type.Struct:
      checkChildren(children, length);
      break;
  }
}

function checkOffsets(offsets: Int32Array | BigInt64Array, length: number, end: number): void {
  if (length === 0) return;
  if (offsets.length <= length) throw invalidIpc(`it has ${offsets.length} offsets for ${length} values`);
  let previous: number | bigint = 0;
  for (let index = 0; index <= length; index++) {
    const offset = offsets[index]!;
    if (offset < previous) throw invalidIpc(`its offsets go from ${previous} to ${offset}`);
    previous = offset;
  }
  if (previous > end) throw invalidIpc(`its offsets reach to ${previous}, and it has ${end} bytes or values`);
}

function checkChildren(children: readonly Data[], length: number): void {
  const short = children.find((child) => child.length < length);
  if (short) throw invalidIpc(`${length} values are referred to, and ${short.length} are there`);
}

function checkUnion({ type, typeIds, valueOffsets, children, length }: Data<Union>): void {
  for (let row = 0; row < length; row++) {
    const child = children[type.typeIdToChildIndex[typeIds[row]!]!];
    const index = type.mode === UnionMode.Dense ? Number(valueOffsets[row]) : row;
    if (!child || !(index >= 0 && index < child.length))
      throw invalidIpc("a union refers to a value that is not there");
  }
}

function checkViews(data: Data): void {
  const values = data.values as Uint8Array;
  if (values.length < data.length * VIEW_BYTES) throw invalidIpc("it has fewer views than values");
  const views = new DataView(values.buffer, values.byteOffset, values.length);
  for (let row = 0; row < data.length; row++) {
    if (!data.getValid(row)) continue;
    const at = row * VIEW_BYTES;
    const size = views.getInt32(at, true);
    if (size >= 0 && size <= MAX_INLINE) continue;
    const buffer = data.variadicBuffers[views.getInt32(at + 8, true)];
    const offset = views.getInt32(at + 12, true);
    if (size < 0 || !buffer || offset < 0 || offset + size > buffer.length) {
      throw invalidIpc("a view refers to bytes that are not there");
    }
  }
}

function checkIndexes(data: Data<Dictionary>): void {
  const { dictionary, values, length } = data;
  const entries = dictionary?.length ?? 0;
  for (let row = 0; row < length; row++) {
    if (data.getValid(row) && !(values[row]! >= 0 && values[row]! < entries)) {
      throw invalidIpc(`an entry ${values[row]} is referred to in a dictionary of ${entries}`);
    }
  }
  if (!dictionary || checked.has(dictionary)) return;
  for (const part of dictionary.data) checkValues(part);
  checked.add(dictionary);
}

/** Dictionaries already checked, since batches share them. */
const checked = new WeakSet<Vector>();
