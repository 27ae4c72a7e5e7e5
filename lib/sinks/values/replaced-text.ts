import { isUtf8 } from "node:buffer";
import { Data, DataType, Vector } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { hasText, isText, textBytes } from "./text-bytes.js";

/**
 * Copies a column with U+FFFD in place of bytes that are not UTF-8.
 *
 * @param dictionaries the copies so far: batches share dictionaries, and writers compare them by identity
 * @throws SparkStreamError INVALID_INPUT if two keys of a map become equal, since readers keep only one
 */
export function replacedText(data: Data, dictionaries: WeakMap<Vector, Vector>): Data {
  const { type, length, children, dictionary } = data;
  if (isText(type)) return replacedLeaf(data);
  let otherDictionary: Vector | undefined = dictionary;
  if (dictionary) {
    otherDictionary =
      dictionaries.get(dictionary) ?? new Vector(dictionary.data.map((chunk) => replacedText(chunk, dictionaries)));
    dictionaries.set(dictionary, otherDictionary);
  }
  const others = children.map((child) => (hasText(child.type) ? replacedText(child, dictionaries) : child));
  if (DataType.isMap(type)) checkKeys(data, others[0]!.children[0]!);
  const { nullCount } = data;
  return new Data(type, data.offset, length, DataType.isUnion(type) ? 0 : nullCount, data, others, otherDictionary);
}

function checkKeys({ valueOffsets, length, children: [entries] }: Data, replaced: Data): void {
  const keys = entries!.children[0]!;
  if (!isText(keys.type) || replaced === keys) return;
  const different = (data: Data, from: number, to: number) => {
    const texts = Array.from({ length: to - from }, (_, index) => textBytes(data, from + index));
    return new Set(texts.map((bytes) => Buffer.from(bytes).toString("latin1"))).size;
  };
  for (let row = 0; row < length; row++) {
    const [from, to] = [Number(valueOffsets[row]), Number(valueOffsets[row + 1])];
    if (different(keys, from, to) === different(replaced, from, to)) continue;
    const message =
      'A map has two keys that are not UTF-8 and become the same text with invalidText: "replace". Use map_entries() in the query.';
    throw new SparkStreamError("INVALID_INPUT", message);
  }
}

function replacedLeaf(data: Data): Data {
  const { type, length } = data;
  const texts = Array.from({ length }, (_, index) => {
    if (!data.getValid(index)) return Buffer.alloc(0);
    const bytes = textBytes(data, index);
    return isUtf8(bytes) ? bytes : Buffer.from(Buffer.from(bytes).toString("utf8"));
  });
  const size = texts.reduce((sum, { length }) => sum + length, 0);
  const bytes = Buffer.concat(texts, size);
  if (DataType.isUtf8View(type)) {
    const views = Buffer.alloc(16 * length);
    let start = 0;
    for (const [index, text] of texts.entries()) {
      const at = views.writeInt32LE(text.length, 16 * index);
      views.set(text.subarray(0, text.length <= 12 ? 12 : 4), at);
      if (text.length > 12) views.writeInt32LE(start, at + 8);
      start += text.length;
    }
    const parts = [undefined, views, data.nullBitmap] as Partial<Data["buffers"]>;
    return new Data(type as DataType, data.offset, length, data.nullCount, parts, [], undefined, [bytes]);
  }
  const large = DataType.isLargeUtf8(type);
  const offsets = large ? new BigInt64Array(length + 1) : new Int32Array(length + 1);
  let end = 0;
  for (const [index, text] of texts.entries()) {
    end += text.length;
    offsets[index + 1] = large ? BigInt(end) : end;
  }
  return new Data(type, data.offset, length, data.nullCount, [offsets, bytes, data.nullBitmap]);
}
