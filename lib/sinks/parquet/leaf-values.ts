/**
 * Converts the Arrow buffers of a leaf to {@link Values}. Bytes that have the same form in Parquet are not copied;
 * other words are in an array that the next call reuses.
 */
import { Precision } from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { byteValues, fixedByteValues, offsetsOf, viewValues } from "./byte-values.js";
import type { ColumnCursor } from "./column-cursor.js";
import { decimalBytes, decimalWords } from "./decimal-values.js";
import type { LeafNode } from "./parquet-schema.js";
import type { ParquetType } from "./parquet-type.js";
import { ReusableArray } from "./reusable-array.js";
import { type BooleanValues, type ByteValues, takeWords, type Values, type WordValues, wordsOf } from "./values.js";

/**
 * @param cursor positioned after the validity
 * @param length the field's length, including nulls
 * @param positions the positions of the values in the field; undefined: all
 * @throws InvalidValues
 */
export function leafValues(
  { type, parquet }: Pick<LeafNode, "type" | "parquet">,
  cursor: ColumnCursor,
  length: number,
  positions: Int32Array | undefined,
): Values {
  return byType(type, readers)({ parquet, cursor, length, positions });
}

interface Leaf {
  readonly parquet: ParquetType;
  readonly cursor: ColumnCursor;
  readonly length: number;
  readonly positions: Int32Array | undefined;
}

const readers: TypeTable<(leaf: Leaf) => Values> = {
  Null: () => words, // never called: all are null
  Bool: () => booleans,
  Int: ({ bitWidth, isSigned }) => (bitWidth < 32 ? (leaf) => widened(leaf, bitWidth, isSigned) : words),
  Float: ({ precision }) => (precision === Precision.HALF ? fixedBytes : words),
  Decimal: ({ bitWidth }) => {
    return ({ parquet, cursor, positions }) => {
      const target = wordsOf(parquet.physical);
      const buffer = cursor.buffer();
      return target
        ? decimalWords(int32s(buffer), bitWidth / 32, target, positions)
        : decimalBytes(buffer, bitWidth / 32, parquet.length!, positions);
    };
  },
  Utf8: () => (leaf) => variableBytes(leaf, "int32"),
  Binary: () => (leaf) => variableBytes(leaf, "int32"),
  LargeUtf8: () => (leaf) => variableBytes(leaf, "int64"),
  LargeBinary: () => (leaf) => variableBytes(leaf, "int64"),
  Utf8View: () => views,
  BinaryView: () => views,
  FixedSizeBinary: () => fixedBytes,
  Date: () => words,
  Time: () => words,
  Timestamp: () => words,
  Duration: () => words,
  Interval: () => notALeaf,
  Struct: () => notALeaf,
  List: () => notALeaf,
  LargeList: () => notALeaf,
  FixedSizeList: () => notALeaf,
  Map: () => notALeaf,
  Union: () => notALeaf,
  Dictionary: () => notALeaf,
};

/** For types that the schema rejects, or maps to groups. */
function notALeaf(): never {
  throw new TypeError("This type has no values of its own.");
}

function words({ parquet, cursor, positions }: Leaf): WordValues {
  const width = wordsOf(parquet.physical)!;
  return takeWords(int32s(cursor.buffer()), width, positions, reusedWords.take(width * (positions?.length ?? 0)));
}

function fixedBytes({ parquet, cursor, positions }: Leaf): ByteValues {
  return fixedByteValues(cursor.buffer(), parquet.length!, positions);
}

function views({ cursor, length, positions }: Leaf): ByteValues {
  return viewValues(cursor.buffer(), cursor.variadicBuffers(), length, positions);
}

function variableBytes({ cursor, length, positions }: Leaf, kind: "int32" | "int64"): ByteValues {
  const offsets = cursor.buffer();
  return byteValues(cursor.buffer(), offsetsOf(offsets, length, kind), positions);
}

const reusedWords = new ReusableArray(Int32Array);

function booleans({ cursor, length, positions }: Leaf): BooleanValues {
  const bits = cursor.buffer();
  const count = positions?.length ?? length;
  const booleans = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const position = positions === undefined ? index : positions[index]!;
    booleans[index] = (bits[position >> 3]! >> (position & 7)) & 1;
  }
  return { count, booleans };
}

function widened({ cursor, positions }: Leaf, bitWidth: number, isSigned: boolean): WordValues {
  const buffer = cursor.buffer();
  const narrow = bitWidth === 8 ? (isSigned ? Int8Array : Uint8Array) : isSigned ? Int16Array : Uint16Array;
  const source = new narrow(buffer.buffer as ArrayBuffer, buffer.byteOffset, (8 * buffer.length) / bitWidth);
  const count = positions?.length ?? source.length;
  const wide = reusedWords.take(count);
  for (let index = 0; index < count; index++)
    wide[index] = source[positions === undefined ? index : positions[index]!]!;
  return { count, words: wide };
}

function int32s(buffer: Uint8Array): Int32Array {
  return new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2);
}
