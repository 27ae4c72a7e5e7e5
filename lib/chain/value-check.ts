/**
 * Checks the values that refer to something else: of unions to a child, of views to a buffer, of dictionary columns to an
 * entry. apache-arrow believes them, and fails when such a value is read, long after the stream has handed it out.
 */
import { type Data, DataType, type Dictionary, type Union, UnionMode } from "apache-arrow";
import { invalidIpc } from "./invalid-ipc.js";

const VIEW_BYTES = 16;
/** What is no longer lies in the view itself. */
const MAX_INLINE = 12;

/** @throws SparkStreamError INVALID_IPC */
export function checkValues(data: Data): void {
  const { type } = data;
  if (DataType.isUnion(type)) checkUnion(data as Data<Union>);
  else if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) checkViews(data);
  else if (DataType.isDictionary(type)) checkIndexes(data as Data<Dictionary>);
  for (const child of data.children) checkValues(child);
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
  for (const part of dictionary?.data ?? []) checkValues(part);
}
