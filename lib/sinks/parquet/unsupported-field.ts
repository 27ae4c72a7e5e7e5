import { type DataType, DateUnit, type Field, TimeUnit, Type } from "apache-arrow";
import { typeName } from "../../arrow/schema-difference.js";

/** A field that the file would not give back as it is. */
export interface UnsupportedField {
  /** From the top: `a.b` in a struct, `a[]` in a list, `a.key` and `a.value` in a map. */
  readonly path: string;
  readonly type: string;
  readonly reason: string;
}

/** The first of `fields`, at any depth, that does not arrive in a Parquet file with its type and exact values. */
export function unsupportedField(fields: readonly Field[], parent = ""): UnsupportedField | undefined {
  for (const { name, type } of fields) {
    const found = unsupportedType(type, `${parent}${name}`);
    if (found) return found;
  }
  return undefined;
}

function unsupportedType(type: DataType, path: string): UnsupportedField | undefined {
  const reason = reasonAgainst(type);
  if (reason) return { path, type: typeName(type), reason };
  const children = (type.children ?? []) as Field[];
  switch (type.typeId as Type) {
    case Type.Struct:
      return unsupportedField(children, `${path}.`);
    case Type.Map:
      return unsupportedField((children[0]?.type.children ?? []) as Field[], `${path}.`);
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
      return unsupportedType(children[0]!.type, `${path}[]`);
    case Type.Dictionary:
      return unsupportedType((type as unknown as { dictionary: DataType }).dictionary, path);
    default:
      return undefined;
  }
}

/** Each of these was tried: readers give it back as something else, or not at all. */
function reasonAgainst(type: DataType): string | undefined {
  const { unit, scale, listSize, byteWidth, dictionary } = type as unknown as {
    unit: number;
    scale: number;
    listSize: number;
    byteWidth: number;
    dictionary: DataType;
  };
  switch (type.typeId as Type) {
    case Type.Interval:
      return "readers do not know Parquet's INTERVAL, and it has no nanoseconds";
    case Type.Timestamp:
    case Type.Time:
      return unit === TimeUnit.SECOND ? "Parquet has no such type in seconds" : undefined;
    case Type.Date:
      return unit === DateUnit.MILLISECOND ? "Parquet has no date in milliseconds" : undefined;
    case Type.Decimal:
      return scale < 0 ? "Parquet has no decimal with a negative scale" : undefined;
    case Type.Struct:
      return type.children.length === 0 ? "Parquet has no struct without fields" : undefined;
    case Type.FixedSizeList:
      return listSize === 0 ? "Parquet has no list of that kind" : undefined;
    case Type.FixedSizeBinary:
      return byteWidth === 0 ? "Parquet has no type without bytes" : undefined;
    case Type.Union:
      return "Parquet has no union";
    case Type.Dictionary:
      return notInDictionary.has(dictionary.typeId as Type) ? "Parquet has no dictionary of such values" : undefined;
    default:
      return knownTypes.has(type.typeId as Type) ? undefined : "it is not known here";
  }
}

const notInDictionary = new Set([
  Type.Struct,
  Type.List,
  Type.LargeList,
  Type.FixedSizeList,
  Type.Map,
  Type.Dictionary,
  Type.Null,
  // Arrow's Rust library takes it for one of byte arrays, and fails.
  Type.FixedSizeBinary,
]);

const knownTypes = new Set([
  Type.Null,
  Type.Bool,
  Type.Int,
  Type.Float,
  Type.Utf8,
  Type.LargeUtf8,
  Type.Utf8View,
  Type.Binary,
  Type.LargeBinary,
  Type.BinaryView,
  Type.List,
  Type.LargeList,
  Type.Map,
  Type.Duration,
]);
