/**
 * A leaf's Arrow buffers as {@link Values}. What is in memory as Parquet has it is not copied; other words are in an array
 * that the next call uses again.
 */
import { Type } from "apache-arrow";
import { byteValues, fixedByteValues, offsetsOf, viewValues } from "./byte-values.js";
import type { ColumnCursor } from "./column-cursor.js";
import { decimalBytes, decimalWords } from "./decimal-values.js";
import type { LeafNode } from "./parquet-schema.js";
import { Scratch } from "./scratch.js";
import { type BooleanValues, type ByteValues, takeWords, type Values, type WordValues, wordsOf } from "./values.js";

/**
 * @param cursor after the validity
 * @param length of the field, nulls included
 * @param positions of the values in it; undefined: all
 * @throws Misfit where they don't fit the type
 */
export function leafValues(
  { type, parquet }: Pick<LeafNode, "type" | "parquet">,
  cursor: ColumnCursor,
  length: number,
  positions: Int32Array | undefined,
): Values {
  const { bitWidth = 0, isSigned = true } = type as unknown as { bitWidth?: number; isSigned?: boolean };
  switch (type.typeId as Type) {
    case Type.Bool:
      return booleanValues(cursor.buffer(), length, positions);
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
      return variableBytes(type.typeId, cursor, length, positions);
    case Type.Decimal: {
      const words = wordsOf(parquet.physical);
      const buffer = cursor.buffer();
      return words
        ? decimalWords(int32s(buffer), bitWidth / 32, words, positions)
        : decimalBytes(buffer, bitWidth / 32, parquet.length!, positions);
    }
    case Type.Int:
      if (bitWidth < 32) return widened(cursor.buffer(), bitWidth, isSigned, positions);
  }
  const words = wordsOf(parquet.physical);
  if (words === undefined) return fixedByteValues(cursor.buffer(), parquet.length!, positions);
  return takeWords(int32s(cursor.buffer()), words, positions, wordScratch.take(words * (positions?.length ?? 0)));
}

const wordScratch = new Scratch(Int32Array);

function booleanValues(bits: Uint8Array, length: number, positions: Int32Array | undefined): BooleanValues {
  const count = positions?.length ?? length;
  const booleans = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const position = positions === undefined ? index : positions[index]!;
    booleans[index] = (bits[position >> 3]! >> (position & 7)) & 1;
  }
  return { count, booleans };
}

function widened(
  buffer: Uint8Array,
  bitWidth: number,
  isSigned: boolean,
  positions: Int32Array | undefined,
): WordValues {
  const narrow = bitWidth === 8 ? (isSigned ? Int8Array : Uint8Array) : isSigned ? Int16Array : Uint16Array;
  const source = new narrow(buffer.buffer as ArrayBuffer, buffer.byteOffset, (8 * buffer.length) / bitWidth);
  const count = positions?.length ?? source.length;
  const words = wordScratch.take(count);
  for (let index = 0; index < count; index++)
    words[index] = source[positions === undefined ? index : positions[index]!]!;
  return { count, words };
}

function variableBytes(
  typeId: Type,
  cursor: ColumnCursor,
  length: number,
  positions: Int32Array | undefined,
): ByteValues {
  const first = cursor.buffer();
  if (typeId === Type.Utf8View || typeId === Type.BinaryView) {
    return viewValues(first, cursor.variadicBuffers(), length, positions);
  }
  const kind = typeId === Type.LargeUtf8 || typeId === Type.LargeBinary ? "int64" : "int32";
  return byteValues(cursor.buffer(), offsetsOf(first, length, kind), positions);
}

function int32s(buffer: Uint8Array): Int32Array {
  return new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2);
}
