/** Decodes dictionary-encoded Arrow values to {@link Values}. */
import type { Vector } from "apache-arrow";
import { columnBuffers } from "../../arrow/encode/column-buffers.js";
import { takeBytes } from "./byte-values.js";
import { ColumnCursor } from "./column-cursor.js";
import { leafValues } from "./leaf-values.js";
import type { LeafNode } from "./parquet-schema.js";
import {
  type BooleanValues,
  type ByteValues,
  InvalidValues,
  takeWords,
  type Values,
  type WordValues,
  wordsOf,
} from "./values.js";

export interface DictionaryIndices {
  /** The field's validity, combined with the dictionary's own nulls. */
  validity(own: Uint8Array, length: number): Uint8Array;
  /** @throws InvalidValues if an index is outside of the dictionary */
  take(positions: Int32Array | undefined, length: number): Values;
}

/** @param cursor positioned before the indices */
export function dictionaryOf(leaf: LeafNode, cursor: ColumnCursor): DictionaryIndices {
  const { id, indices } = leaf.dictionary!;
  const vector = cursor.column.dictionaries.get(id)?.vector;
  if (vector === undefined) throw new InvalidValues(`it has no dictionary with the id ${id}`);
  const dictionary = decoded(leaf, vector);
  const source = indexArray(cursor.buffer(), indices.bitWidth, indices.isSigned);
  const indexAt = (position: number) => {
    const index = Number(source[position]!);
    if (index >= 0 && index < dictionary.count) return index;
    throw new InvalidValues(`its index ${index} leads out of its dictionary of ${dictionary.count} values`);
  };
  return {
    validity: (own, length) => (dictionary.isNull ? joined(own, length, indexAt, dictionary.isNull) : own),
    take: (positions, length) => {
      const wanted = new Int32Array(positions?.length ?? length);
      for (let index = 0; index < wanted.length; index++) {
        wanted[index] = indexAt(positions === undefined ? index : positions[index]!);
      }
      return dictionary.take(wanted);
    },
  };
}

interface Decoded {
  readonly count: number;
  /** 1 if a value is null. */
  readonly isNull: Uint8Array | undefined;
  take(positions: Int32Array): Values;
}

const known = new WeakMap<Vector, Decoded>();

function decoded(leaf: LeafNode, vector: Vector): Decoded {
  const found = known.get(vector);
  if (found) return found;
  const count = vector.length;
  const isNull = vector.nullCount > 0 ? new Uint8Array(count) : undefined;
  const chunks: Values[] = [];
  let start = 0;
  for (const data of vector.data) {
    const cursor = new ColumnCursor(columnBuffers(data));
    const length = cursor.length();
    const validity = cursor.buffer();
    for (let index = 0; isNull && validity.length > 0 && index < length; index++) {
      isNull[start + index] = 1 - ((validity[index >> 3]! >> (index & 7)) & 1);
    }
    start += length;
    const values = leafValues(leaf, cursor, length, undefined);
    chunks.push("words" in values ? { ...values, words: values.words.slice() } : values);
  }
  const made = { count, isNull, take: taker(leaf, chunks) };
  known.set(vector, made);
  return made;
}

function taker(leaf: LeafNode, chunks: readonly Values[]): Decoded["take"] {
  const width = wordsOf(leaf.parquet.physical);
  if (width) {
    const words = joinedArrays(chunks as WordValues[], (chunk) => chunk.words, Int32Array);
    return (positions) => takeWords(words, width, positions);
  }
  if (leaf.parquet.physical === "BOOLEAN") {
    const all = joinedArrays(chunks as BooleanValues[], (chunk) => chunk.booleans, Uint8Array);
    return (positions) => ({
      count: positions.length,
      booleans: Uint8Array.from(positions, (position) => all[position]!),
    });
  }
  const { bytes, offsets } = joinedBytes(chunks as ByteValues[]);
  return (positions) => takeBytes(bytes, offsets, positions);
}

function joinedArrays<C, A extends Uint8Array | Int32Array>(
  chunks: readonly C[],
  arrayOf: (chunk: C) => A,
  make: new (length: number) => A,
): A {
  const arrays = chunks.map(arrayOf);
  const joined = new make(arrays.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const array of arrays) {
    joined.set(array, position);
    position += array.length;
  }
  return joined;
}

function joinedBytes(chunks: readonly ByteValues[]): ByteValues {
  const [only] = chunks;
  if (chunks.length === 1 && only) return only;
  const bytes = Buffer.concat(
    chunks.map((chunk) => chunk.bytes.subarray(chunk.offsets[0]!, chunk.offsets[chunk.count]!)),
  );
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const offsets = new Int32Array(count + 1);
  let before = 0;
  for (const chunk of chunks) {
    const base = offsets[before]! - chunk.offsets[0]!;
    for (let index = 1; index <= chunk.count; index++) offsets[before + index] = base + chunk.offsets[index]!;
    before += chunk.count;
  }
  return { count, bytes, offsets };
}

type IndexArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array;

function indexArray(bytes: Uint8Array, bitWidth: number, isSigned: boolean): IndexArray {
  const buffer = bytes.buffer as ArrayBuffer;
  const { byteOffset } = bytes;
  const count = (8 * bytes.length) / bitWidth;
  if (bitWidth === 8) return new (isSigned ? Int8Array : Uint8Array)(buffer, byteOffset, count);
  if (bitWidth === 16) return new (isSigned ? Int16Array : Uint16Array)(buffer, byteOffset, count);
  if (bitWidth === 32) return new (isSigned ? Int32Array : Uint32Array)(buffer, byteOffset, count);
  return new BigInt64Array(buffer, byteOffset, count);
}

function joined(
  own: Uint8Array,
  length: number,
  indexAt: (position: number) => number,
  isNull: Uint8Array,
): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row++) {
    const valid = own.length === 0 || (own[row >> 3]! >> (row & 7)) & 1;
    if (valid && isNull[indexAt(row)] === 0) bits[row >> 3]! |= 1 << (row & 7);
  }
  return bits;
}
