/**
 * Reads a column of any type and makes one value per row. The format decides the kind of value: a JavaScript value
 * (js-format.ts), a piece of JSON text (json-format.ts) or a CSV cell (csv-format.ts). The reader is compiled per
 * schema and works column by column, in loops over typed arrays, which is several times as fast as reading value by
 * value.
 *
 * Memory: the values of the rows passed to it; row-windows.ts cuts long batches.
 */
import { type Data, DataType, type Field, Type, type Vector } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { typeName } from "../../arrow/schema-difference.js";
import { SparkStreamError } from "../../errors.js";
import { isVariant } from "./variant-text.js";

/** The values of a column's rows, in order; a null is `format.null`. */
export type ColumnReader<T> = (data: Data) => ArrayLike<T>;

export interface ValueFormat<T> {
  readonly null: T;
  /** Makes the reader of a column without children, or of variants; undefined for a type that the format lacks. */
  leaf(type: DataType, variant: boolean): ColumnReader<T> | undefined;
  /** Undefined if the format has no nested values. */
  readonly nested?: NestedFormat<T>;
}

export interface NestedFormat<T> {
  list(values: ArrayLike<T>, from: number, to: number): T;
  /** Compiled once; called per batch with the values of the fields, and then per row. */
  struct(names: readonly string[]): (columns: readonly ArrayLike<T>[]) => (row: number) => T;
  map(keyType: DataType): (keys: ArrayLike<T>, values: ArrayLike<T>, from: number, to: number) => T;
}

/** @throws SparkStreamError UNSUPPORTED_TYPE naming the column */
export function columnReader<T>(field: Field, format: ValueFormat<T>, path = field.name): ColumnReader<T> {
  const type: DataType = field.type;
  const children = (type.children ?? []) as Field[];
  const leaf = (children.length === 0 || isVariant(type)) && format.leaf(type, isVariant(type));
  if (leaf) return leaf;
  if (DataType.isDictionary(type)) {
    return dictionaryReader(columnReader(field.clone({ type: type.dictionary }), format, path), format.null);
  }
  const read = format.nested && nestedReader(type, format, format.nested, path);
  if (read) return read;
  const message = `Column \`${path}\` has the type ${typeName(type)}, which this format cannot hold. CAST it to STRING in the query (or use to_json), or leave it out.`;
  throw new SparkStreamError("UNSUPPORTED_TYPE", message);
}

function nestedReader<T>(
  type: DataType,
  format: ValueFormat<T>,
  nested: NestedFormat<T>,
  path: string,
): ColumnReader<T> | undefined {
  const narrowed = arrowType(type);
  switch (narrowed.typeId) {
    case Type.Struct: {
      const { children } = narrowed;
      const build = nested.struct(fieldNames(children, path));
      const readers = children.map((child) => columnReader(child, format, `${path}.${child.name}`));
      return (data) => eachRow(data, format.null, build(readers.map((read, index) => read(data.children[index]!))));
    }
    case Type.List:
    case Type.LargeList: {
      const read = columnReader(narrowed.children[0]!, format, `${path}[]`);
      return (data) => {
        const { from, count, at } = lists(data);
        const values = read(part(data.children[0]!, from, count));
        return eachRow(data, format.null, (row) => nested.list(values, at(row), at(row + 1)));
      };
    }
    case Type.FixedSizeList: {
      const { children, listSize } = narrowed;
      const read = columnReader(children[0]!, format, `${path}[]`);
      return (data) => {
        const values = read(part(data.children[0]!, 0, data.length * listSize));
        return eachRow(data, format.null, (row) => nested.list(values, row * listSize, (row + 1) * listSize));
      };
    }
    case Type.Map: {
      const [key, value] = narrowed.children[0]!.type.children as [Field, Field];
      const build = nested.map(key.type);
      const readKeys = columnReader(key, format, `${path}.key`);
      const readValues = columnReader(value, format, `${path}.value`);
      return (data) => {
        const { from, count, at } = lists(data);
        const [keyData, valueData] = part(data.children[0]!, from, count).children as [Data, Data];
        const keys = readKeys(part(keyData, 0, count));
        const values = readValues(part(valueData, 0, count));
        return eachRow(data, format.null, (row) => build(keys, values, at(row), at(row + 1)));
      };
    }
    default:
      return undefined;
  }
}

/**
 * Returns the names of fields for the keys of an object.
 *
 * @throws SparkStreamError INVALID_INPUT if two names are equal: one of the values would be lost
 */
export function fieldNames(fields: readonly Field[], parent?: string): string[] {
  const names = fields.map(({ name }) => name);
  const seen = new Set<string>();
  const twin = names.find((name) => seen.size === seen.add(name).size);
  if (twin === undefined) return names;
  const where = parent === undefined ? "The record batch" : `Column \`${parent}\``;
  const message = `${where} has two columns \`${twin}\`, and an object can keep only one. Rename one in the query with AS.`;
  throw new SparkStreamError("INVALID_INPUT", message);
}

/** Calls `get` for each row that is not null. */
export function eachRow<T>(data: Data, nothing: T, get: (row: number) => T): T[] {
  const { length, nullBitmap, offset } = data;
  const values: T[] = new Array(length);
  if (!(data.nullCount > 0) || !nullBitmap) {
    for (let row = 0; row < length; row++) values[row] = get(row);
    return values;
  }
  for (let row = 0; row < length; row++) {
    const bit = offset + row;
    values[row] = (nullBitmap[bit >> 3]! >> (bit & 7)) & 1 ? get(row) : nothing;
  }
  return values;
}

/** Finds which of the child's values belong to which row, counted from the first that belongs to any row. */
export function lists({ valueOffsets, length }: Data): { from: number; count: number; at: (row: number) => number } {
  const offsets = valueOffsets as Int32Array | BigInt64Array;
  if (length === 0) return { from: 0, count: 0, at: () => 0 };
  const from = Number(offsets[0]);
  return { from, count: Number(offsets[length]) - from, at: (row) => Number(offsets[row]) - from };
}

export function part(data: Data, from: number, count: number): Data {
  return from === 0 && count === data.length ? data : data.slice(from, count);
}

function dictionaryReader<T>(read: ColumnReader<T>, nothing: T): ColumnReader<T> {
  const known = new WeakMap<Vector, T[]>(); // batches share their dictionaries
  return (data) => {
    const dictionary = data.dictionary!;
    let values = known.get(dictionary);
    if (!values) {
      values = dictionary.data.flatMap((chunk) => Array.from(read(chunk)));
      known.set(dictionary, values);
    }
    const entries = values;
    return eachRow(data, nothing, (row) => entries[Number(data.values[row])]!);
  };
}
