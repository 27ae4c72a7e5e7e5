/**
 * Maps each Arrow type to Parquet: the physical type of its values and the annotations with their meaning
 * (LogicalTypes.md of apache/parquet-format), or the reason why it is not supported.
 */
import { type DataType, DateUnit, Precision, TimeUnit, Type } from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { convertedTypes, fields, type PhysicalType } from "./format.js";
import { ShortInt, type ThriftStruct } from "./thrift.js";

const { DecimalType, IntType, LogicalType, TimeType } = fields;

/** The order of values, for the statistics; "none" if the format defines no order. */
export type Order = "signed" | "unsigned" | "float" | "none";

export interface ParquetType {
  readonly physical: PhysicalType;
  readonly order: Order;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly length?: number;
  readonly converted?: number;
  readonly logical?: ThriftStruct;
  /** For decimals. */
  readonly scale?: number;
  readonly precision?: number;
}

export const listAnnotation = { converted: convertedTypes.LIST, logical: { [LogicalType.LIST]: {} } } as const;
export const mapAnnotation = { converted: convertedTypes.MAP, logical: { [LogicalType.MAP]: {} } } as const;

/** The mapping of an Arrow type: a type of values, a group of other columns, or unsupported. */
export type Mapping = ParquetType | "group" | { readonly unsupported: string };

/** Each unsupported type was tried: readers returned the column as another type, or not at all. */
const mappings: TypeTable<Mapping> = {
  Null: () => ({ physical: "INT32", order: "none", logical: { [LogicalType.UNKNOWN]: {} } }),
  Bool: () => ({ physical: "BOOLEAN", order: "unsigned" }),
  Int: ({ bitWidth, isSigned }) => integer(bitWidth, isSigned),
  Float: ({ precision }) => float(precision),
  Decimal: ({ precision, scale }) =>
    scale < 0 ? unsupported("Parquet has no decimal with a negative scale") : decimal(precision, scale),
  Utf8: () => string,
  LargeUtf8: () => string,
  Utf8View: () => string,
  Binary: () => binary,
  LargeBinary: () => binary,
  BinaryView: () => binary,
  FixedSizeBinary: ({ byteWidth }) =>
    byteWidth === 0
      ? unsupported("Parquet has no type without bytes")
      : { physical: "FIXED_LEN_BYTE_ARRAY", order: "unsigned", length: byteWidth },
  Date: ({ unit }) =>
    unit === DateUnit.MILLISECOND
      ? unsupported("Parquet has no date in milliseconds")
      : {
          physical: "INT32",
          order: "signed",
          converted: convertedTypes.DATE,
          logical: { [LogicalType.DATE]: {} },
        },
  Time: ({ unit }) =>
    unit === TimeUnit.SECOND
      ? unsupported(noSeconds)
      : {
          physical: unit === TimeUnit.MILLISECOND ? "INT32" : "INT64",
          order: "signed",
          ...withUnit(LogicalType.TIME, unit, false, [convertedTypes.TIME_MILLIS, convertedTypes.TIME_MICROS]),
        },
  Timestamp: ({ unit, timezone }) =>
    unit === TimeUnit.SECOND
      ? unsupported(noSeconds)
      : {
          physical: "INT64",
          order: "signed",
          ...withUnit(LogicalType.TIMESTAMP, unit, Boolean(timezone), [
            convertedTypes.TIMESTAMP_MILLIS,
            convertedTypes.TIMESTAMP_MICROS,
          ]),
        },
  Duration: () => ({ physical: "INT64", order: "signed" }),
  Interval: () => unsupported("readers do not know Parquet's INTERVAL, and it has no nanoseconds"),
  Struct: ({ children }) => (children.length === 0 ? unsupported("Parquet has no struct without fields") : "group"),
  List: () => "group",
  LargeList: () => "group",
  FixedSizeList: ({ listSize }) => (listSize === 0 ? unsupported("Parquet has no list of that kind") : "group"),
  Map: () => "group",
  Union: () => unsupported("Parquet has no union"),
  Dictionary({ dictionary }) {
    const values = parquetMapping(dictionary);
    const isLeaf = values !== "group" && !notInDictionary.has(dictionary.typeId as Type);
    return isLeaf ? values : unsupported("Parquet has no dictionary of such values");
  },
};

const notInDictionary = new Set([
  Type.Null,
  Type.Dictionary,
  // Arrow's Rust library treats it as byte arrays, and fails.
  Type.FixedSizeBinary,
]);

const noSeconds = "Parquet has no such type in seconds";

function unsupported(reason: string): { unsupported: string } {
  return { unsupported: reason };
}

export function parquetMapping(type: DataType): Mapping {
  return byType(type, mappings);
}

/** @param type a type of values that `unsupportedField` accepts */
export function parquetType(type: DataType): ParquetType {
  const mapping = parquetMapping(type);
  if (mapping === "group" || "unsupported" in mapping) throw new TypeError(`${type} has no values in Parquet`);
  return mapping;
}

const string: ParquetType = {
  physical: "BYTE_ARRAY",
  order: "unsigned",
  converted: convertedTypes.UTF8,
  logical: { [LogicalType.STRING]: {} },
};

const binary: ParquetType = { physical: "BYTE_ARRAY", order: "unsigned" };

function integer(bits: number, isSigned: boolean): ParquetType {
  const physical = bits === 64 ? "INT64" : "INT32";
  const order = isSigned ? "signed" : "unsigned";
  if (isSigned && bits >= 32) return { physical, order };
  return {
    physical,
    order,
    converted: (isSigned ? convertedTypes.INT_8 : convertedTypes.UINT_8) + Math.log2(bits / 8),
    logical: { [LogicalType.INTEGER]: { [IntType.bitWidth]: new ShortInt("i8", bits), [IntType.isSigned]: isSigned } },
  };
}

function float(precision: number): ParquetType {
  if (precision === Precision.HALF) {
    return { physical: "FIXED_LEN_BYTE_ARRAY", order: "float", length: 2, logical: { [LogicalType.FLOAT16]: {} } };
  }
  return { physical: precision === Precision.SINGLE ? "FLOAT" : "DOUBLE", order: "float" };
}

/** Chooses the smallest type that holds the precision, as Spark's writer does. */
function decimal(precision: number, scale: number): ParquetType {
  const annotation = {
    order: "signed",
    scale,
    precision,
    converted: convertedTypes.DECIMAL,
    logical: { [LogicalType.DECIMAL]: { [DecimalType.scale]: scale, [DecimalType.precision]: precision } },
  } as const;
  if (precision <= 9) return { physical: "INT32", ...annotation };
  if (precision <= 18) return { physical: "INT64", ...annotation };
  const bits = Math.ceil(precision * Math.log2(10)) + 1;
  return { physical: "FIXED_LEN_BYTE_ARRAY", length: Math.ceil(bits / 8), ...annotation };
}

/** Adds the converted type: the format requires it for local times too, although it is less precise. */
function withUnit(
  field: number,
  unit: number,
  isAdjustedToUtc: boolean,
  oldTypes: readonly [ms: number, us: number],
): Pick<ParquetType, "converted" | "logical"> {
  const index = [TimeUnit.MILLISECOND, TimeUnit.MICROSECOND, TimeUnit.NANOSECOND].indexOf(unit);
  const convertedType = oldTypes[index];
  const unitField = [fields.TimeUnit.MILLIS, fields.TimeUnit.MICROS, fields.TimeUnit.NANOS][index]!;
  return {
    logical: { [field]: { [TimeType.isAdjustedToUTC]: isAdjustedToUtc, [TimeType.unit]: { [unitField]: {} } } },
    ...(convertedType !== undefined && { converted: convertedType }),
  };
}
