/** Reads the bytes of text in Arrow's three layouts. */
import { type Data, DataType, type Field } from "apache-arrow";

/** Whether a column has text at any depth, or in a dictionary. */
export function hasText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return hasText(type.dictionary);
  return isText(type) || ((type.children ?? []) as Field[]).some((child) => hasText(child.type));
}

export function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

/** The bytes of one text that is not null. */
export function textBytes(data: Data, index: number): Uint8Array {
  const bytes = data.values as Uint8Array;
  if (!DataType.isUtf8View(data.type)) {
    return bytes.subarray(Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + 16 * index, 16);
  const size = view.getInt32(0, true);
  if (size <= 12) return bytes.subarray(16 * index + 4, 16 * index + 4 + size);
  const start = view.getInt32(12, true);
  return data.variadicBuffers[view.getInt32(8, true)]!.subarray(start, start + size);
}
