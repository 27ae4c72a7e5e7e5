/**
 * The values of a column in the type that Spark takes; spark-schema.ts says which one that is. In: a column, of part of a
 * record batch. Out: the same values, exactly, or an error that names the column.
 *
 * Memory: new buffers for what changes; columns that stay as they are are passed on, as views.
 */
import { Data, type DataType, DateUnit, Precision, TimeUnit, Type, type Vector, vectorFromArray } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { takeValues } from "../../arrow/take-rows.js";
import { SparkStreamError } from "../../errors.js";
import { nullColumn } from "./null-column.js";

/** Makes Spark's form of a column. */
export type ColumnConverter = (data: Data) => Data;

const MS_PER_DAY = 86_400_000n;
const LONG_MAX = 2n ** 63n - 1n;

/**
 * Returns the converter of a column; undefined if its values are sent as they are.
 *
 * @param to the type that sparkSchema() made of the type
 * @param path the column's place in the frame, for messages
 */
export function columnConverter(type: DataType, to: DataType, path: string): ColumnConverter | undefined {
  const from = arrowType(type);
  const inner = (index: number, part: string) =>
    columnConverter(from.children![index]!.type, to.children![index]!.type as DataType, part);
  switch (from.typeId) {
    case Type.Dictionary:
      return dictionaryConverter(columnConverter(from.dictionary, to, path), to);
    case Type.Struct:
      return structConverter(
        from.children.map((child, index) => inner(index, `${path}.${child.name}`)),
        to,
      );
    case Type.List:
    case Type.LargeList: {
      const child = inner(0, `${path}[]`);
      return child || from.typeId === Type.LargeList ? listConverter(child, to) : undefined;
    }
    case Type.Map: {
      const child = inner(0, path);
      return child && listConverter(child, to);
    }
    case Type.FixedSizeList: {
      const child = inner(0, `${path}[]`) ?? same;
      const size = from.listSize;
      return (data) =>
        column(data, to, { offsets: steps(data.length, size) }, [
          child(part(data.children[0]!, 0, data.length * size)),
        ]);
    }
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return (data) => {
        const { offsets, first, last } = rebased(data);
        return column(data, to, { offsets, values: bytesOf(data).subarray(first, last) });
      };
    case Type.Utf8View:
    case Type.BinaryView:
      return (data) => column(data, to, viewedBytes(data));
    case Type.FixedSizeBinary:
      return (data) =>
        column(data, to, {
          offsets: steps(data.length, from.byteWidth),
          values: filled(bytesOf(data), data.length * from.byteWidth),
        });
    case Type.Int:
      return from.isSigned ? undefined : unsignedConverter(from.bitWidth, to);
    case Type.Float:
      return from.precision === Precision.HALF ? halfConverter(to) : undefined;
    case Type.Decimal:
      return from.bitWidth === 128 ? undefined : decimalConverter(from.bitWidth / 32, to, path);
    case Type.Date:
      return from.unit === DateUnit.DAY ? undefined : dateConverter(to, path);
    case Type.Timestamp:
      return scaled(from.unit, TimeUnit.MICROSECOND, to, path);
    case Type.Duration:
      return scaled(from.unit, TimeUnit.MICROSECOND, to, path);
    case Type.Time:
      return scaled(from.unit, TimeUnit.NANOSECOND, to, path);
    default:
      return undefined;
  }
}

const same: ColumnConverter = (data) => data;

/** The buffers of a column, without its nulls. */
interface Buffers {
  readonly offsets?: Int32Array;
  readonly values?: ArrayBufferView;
}

/** A column with the nulls of another. */
function column(nulls: Data, type: DataType, { offsets, values }: Buffers, children: Data[] = []): Data {
  const buffers = [offsets, values, nulls.nullBitmap] as never;
  return new Data(type, nulls.offset, nulls.length, nulls.nullCount, buffers, children);
}

/** Whether a value is there, and not null. */
function validity(data: Data): (row: number) => boolean {
  const { nullBitmap, offset } = data;
  if (!(data.nullCount > 0) || !nullBitmap) return () => true;
  return (row) => ((nullBitmap[(offset + row) >> 3]! >> ((offset + row) & 7)) & 1) === 1;
}

function part(data: Data, from: number, length: number): Data {
  return from === 0 && length === data.length ? data : data.slice(from, length);
}

function bytesOf({ values }: Data): Uint8Array {
  const view = values as ArrayBufferView | undefined;
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0);
}

/** apache-arrow stores no values for rows at the end that are null. */
function filled(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= size) return bytes.subarray(0, size);
  const all = new Uint8Array(size);
  all.set(bytes);
  return all;
}

/** Offsets of values that have one size. */
function steps(count: number, size: number): Int32Array {
  return Int32Array.from({ length: count + 1 }, (_, index) => index * size);
}

/** The offsets of a column, from 0 on. */
function rebased({ valueOffsets, length }: Data) {
  const from = valueOffsets as unknown as Int32Array | BigInt64Array | undefined;
  const first = length === 0 ? 0 : Number(from![0]);
  const last = length === 0 ? 0 : Number(from![length]);
  const offsets = new Int32Array(length + 1);
  if (length > 0) for (let row = 0; row <= length; row++) offsets[row] = Number(from![row]) - first;
  return { offsets, first, last };
}

function structConverter(
  children: readonly (ColumnConverter | undefined)[],
  to: DataType,
): ColumnConverter | undefined {
  if (children.every((child) => child === undefined)) return undefined;
  return (data) =>
    column(
      data,
      to,
      {},
      data.children.map((child, index) => (children[index] ?? same)(part(child, 0, data.length))),
    );
}

function listConverter(child: ColumnConverter = same, to: DataType): ColumnConverter {
  return (data) => {
    const { offsets, first, last } = rebased(data);
    return column(data, to, { offsets }, [child(part(data.children[0]!, first, last - first))]);
  };
}

/** The 12 bytes behind a view's length are the text itself, or a prefix, the number of a buffer and a place in it. */
const VIEW_BYTES = 16;
const INLINE_BYTES = 12;

function viewedBytes(data: Data): Buffers {
  const bytes = filled(bytesOf(data), data.length * VIEW_BYTES);
  const views = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isValid = validity(data);
  const offsets = new Int32Array(data.length + 1);
  for (let row = 0; row < data.length; row++) {
    offsets[row + 1] = offsets[row]! + (isValid(row) ? views.getInt32(row * VIEW_BYTES, true) : 0);
  }
  const values = new Uint8Array(offsets[data.length]!);
  for (let row = 0; row < data.length; row++) {
    const size = offsets[row + 1]! - offsets[row]!;
    const view = row * VIEW_BYTES;
    if (size <= INLINE_BYTES) values.set(bytes.subarray(view + 4, view + 4 + size), offsets[row]!);
    else {
      const from = views.getInt32(view + 12, true);
      values.set(data.variadicBuffers[views.getInt32(view + 8, true)]!.subarray(from, from + size), offsets[row]!);
    }
  }
  return { offsets, values };
}

/** To the next wider signed type. */
function unsignedConverter(bitWidth: number, to: DataType): ColumnConverter {
  if (bitWidth === 64) return (data) => column(data, to, { values: longWords(data) });
  const wider = { 8: Int16Array, 16: Int32Array }[bitWidth];
  if (wider) return (data) => column(data, to, { values: wider.from(data.values.subarray(0, data.length)) });
  return (data) =>
    column(data, to, { values: BigInt64Array.from(data.values.subarray(0, data.length) as Uint32Array, BigInt) });
}

/** As decimals of 128 bits, of which the upper 64 are 0. */
function longWords({ values, length }: Data): Uint32Array {
  const longs = values.subarray(0, length) as BigUint64Array;
  const words = new Uint32Array(4 * length);
  const halves = new Uint32Array(longs.buffer, longs.byteOffset, 2 * longs.length);
  for (let row = 0; row < longs.length; row++) {
    words[4 * row] = halves[2 * row]!;
    words[4 * row + 1] = halves[2 * row + 1]!;
  }
  return words;
}

function halfConverter(to: DataType): ColumnConverter {
  return (data) =>
    column(data, to, { values: Float32Array.from(data.values.subarray(0, data.length) as Uint16Array, halfToNumber) });
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Decimals of 32, 64 or 256 bits to 128. @param words of 32 bits, per value */
function decimalConverter(words: number, to: DataType, path: string): ColumnConverter {
  return (data) => {
    const from = data.values as Uint32Array;
    const values = new Uint32Array(4 * data.length);
    const isValid = validity(data);
    for (let row = 0; row < data.length; row++) {
      if (!isValid(row)) continue;
      const last = Math.min(words, 4) - 1;
      const sign = from[row * words + last]! >> 31; // 0 or -1
      for (let word = 0; word < 4; word++) values[4 * row + word] = word <= last ? from[row * words + word]! : sign;
      for (let word = 4; word < words; word++) {
        if (from[row * words + word]! >> 0 !== sign) throw inexact(path, "a decimal of more than 38 digits", "DECIMAL");
      }
    }
    return column(data, to, { values });
  };
}

/** Milliseconds to days. */
function dateConverter(to: DataType, path: string): ColumnConverter {
  return (data) => {
    const from = data.values as BigInt64Array;
    const isValid = validity(data);
    const values = new Int32Array(data.length);
    for (let row = 0; row < data.length; row++) {
      if (!isValid(row)) continue;
      const ms = from[row]!;
      if (ms % MS_PER_DAY !== 0n) throw inexact(path, `a date with a time of day, ${ms} ms since 1970`, "DATE");
      values[row] = Number(ms / MS_PER_DAY);
    }
    return column(data, to, { values });
  };
}

/** Units of Arrow's times in a second, in the order of TimeUnit. */
const PER_SECOND = [1n, 1_000n, 1_000_000n, 1_000_000_000n] as const;
const unitNames = ["s", "ms", "µs", "ns"] as const;

/** Times, timestamps and durations to another unit; undefined if they have it. */
function scaled(unit: TimeUnit, wanted: TimeUnit, to: DataType, path: string): ColumnConverter | undefined {
  if (unit === wanted) return undefined;
  const [from, per] = [PER_SECOND[unit]!, PER_SECOND[wanted]!];
  return (data) => {
    const given = data.values as Int32Array | BigInt64Array;
    const isValid = validity(data);
    const values = new BigInt64Array(data.length);
    for (let row = 0; row < data.length; row++) {
      if (!isValid(row)) continue;
      const value = BigInt(given[row]!);
      const scaledValue = (value * per) / from;
      if ((value * per) % from !== 0n || scaledValue > LONG_MAX || scaledValue < -LONG_MAX - 1n) {
        throw inexact(path, `${value} ${unitNames[unit]}`, `a whole number of ${unitNames[wanted]} in 64 bits`);
      }
      values[row] = scaledValue;
    }
    return column(data, to, { values });
  };
}

function dictionaryConverter(convert: ColumnConverter = same, to: DataType): ColumnConverter {
  return (data) => {
    const dictionary = wholeDictionary(data.dictionary!);
    if (!dictionary || dictionary.length === 0) return nullColumn(to, data.length);
    const isValid = validity(data);
    const indices = data.values as Int32Array | BigInt64Array;
    const rows = new Int32Array(data.length);
    const bitmap = new Uint8Array((data.length + 7) >> 3);
    const isThere = validity(dictionary);
    for (let row = 0; row < data.length; row++) {
      if (!isValid(row)) continue;
      rows[row] = Number(indices[row]);
      if (isThere(rows[row]!)) bitmap[row >> 3]! |= 1 << (row & 7);
    }
    const taken = takeValues(dictionary, rows);
    const buffers = [taken.valueOffsets, taken.values, bitmap] as never;
    const { dictionary: inner, variadicBuffers } = taken;
    const type: DataType = dictionary.type;
    return convert(new Data(type, 0, data.length, -1, buffers, taken.children, inner, variadicBuffers));
  };
}

/** Dictionaries that came in several pieces, as one. */
const joined = new WeakMap<Vector, Data>();

function wholeDictionary(vector: Vector): Data | undefined {
  if (vector.data.length <= 1) return vector.data[0];
  const known = joined.get(vector) ?? vectorFromArray([...vector], vector.type).data[0]!;
  joined.set(vector, known);
  return known;
}

function inexact(path: string, value: string, wanted: string): SparkStreamError {
  const message = `Column \`${path}\` has a value that Spark cannot take exactly: ${value}. It must be ${wanted}: round it before.`;
  return new SparkStreamError("INVALID_INPUT", message);
}
