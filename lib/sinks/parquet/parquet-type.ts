/**
 * What an Arrow type is in a Parquet file: the physical type of its values and the annotations that tell what they mean
 * (parquet.thrift and LogicalTypes.md of apache/parquet-format). Readers of before 2018 know the converted types only.
 */
import { type DataType, Precision, TimeUnit, Type } from "apache-arrow";
import { ShortInt, type ThriftStruct } from "./thrift.js";

/** Numbers of the format, as are those below. */
export const physicalTypes = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
} as const;

export type PhysicalType = keyof typeof physicalTypes;

/** How values compare, for the statistics; "none" where the format defines no order. */
export type Order = "signed" | "unsigned" | "float" | "none";

export interface ParquetType {
  readonly physical: PhysicalType;
  readonly order: Order;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly length?: number;
  readonly converted?: number;
  readonly logical?: ThriftStruct;
  /** Of decimals. */
  readonly scale?: number;
  readonly precision?: number;
}

const converted = {
  UTF8: 0,
  MAP: 1,
  LIST: 3,
  DECIMAL: 5,
  DATE: 6,
  TIME_MILLIS: 7,
  TIME_MICROS: 8,
  TIMESTAMP_MILLIS: 9,
  TIMESTAMP_MICROS: 10,
  UINT_8: 11,
  INT_8: 15,
} as const;

/** Fields of the union LogicalType. */
const logical = {
  STRING: 1,
  MAP: 2,
  LIST: 3,
  DECIMAL: 5,
  DATE: 6,
  TIME: 7,
  TIMESTAMP: 8,
  INTEGER: 10,
  UNKNOWN: 11,
  FLOAT16: 15,
} as const;

export const listAnnotation = { converted: converted.LIST, logical: { [logical.LIST]: {} } } as const;
export const mapAnnotation = { converted: converted.MAP, logical: { [logical.MAP]: {} } } as const;

/** @param type one without children, and no dictionary; {@link unsupportedField} has refused the others */
export function parquetType(type: DataType): ParquetType {
  const of = type as unknown as Parameters;
  switch (type.typeId as Type) {
    case Type.Null:
      return { physical: "INT32", order: "none", logical: { [logical.UNKNOWN]: {} } };
    case Type.Bool:
      return { physical: "BOOLEAN", order: "unsigned" };
    case Type.Int:
      return integer(of.bitWidth, of.isSigned);
    case Type.Float:
      return float(of.precision);
    case Type.Decimal:
      return decimal(of.precision, of.scale);
    case Type.Date:
      return { physical: "INT32", order: "signed", converted: converted.DATE, logical: { [logical.DATE]: {} } };
    case Type.Time:
      return {
        physical: of.unit === TimeUnit.MILLISECOND ? "INT32" : "INT64",
        order: "signed",
        ...withUnit(logical.TIME, of.unit, false, [converted.TIME_MILLIS, converted.TIME_MICROS]),
      };
    case Type.Timestamp:
      return {
        physical: "INT64",
        order: "signed",
        ...withUnit(logical.TIMESTAMP, of.unit, Boolean(of.timezone), [
          converted.TIMESTAMP_MILLIS,
          converted.TIMESTAMP_MICROS,
        ]),
      };
    case Type.Duration:
      return { physical: "INT64", order: "signed" };
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
      return {
        physical: "BYTE_ARRAY",
        order: "unsigned",
        converted: converted.UTF8,
        logical: { [logical.STRING]: {} },
      };
    case Type.FixedSizeBinary:
      return { physical: "FIXED_LEN_BYTE_ARRAY", order: "unsigned", length: of.byteWidth };
    default:
      return { physical: "BYTE_ARRAY", order: "unsigned" };
  }
}

interface Parameters {
  bitWidth: number;
  isSigned: boolean;
  precision: number;
  scale: number;
  unit: number;
  timezone: string | null;
  byteWidth: number;
}

function integer(bits: number, isSigned: boolean): ParquetType {
  const physical = bits === 64 ? "INT64" : "INT32";
  const order = isSigned ? "signed" : "unsigned";
  if (isSigned && bits >= 32) return { physical, order };
  return {
    physical,
    order,
    converted: (isSigned ? converted.INT_8 : converted.UINT_8) + Math.log2(bits / 8),
    logical: { [logical.INTEGER]: { 1: new ShortInt("i8", bits), 2: isSigned } },
  };
}

function float(precision: number): ParquetType {
  if (precision === Precision.HALF) {
    return { physical: "FIXED_LEN_BYTE_ARRAY", order: "float", length: 2, logical: { [logical.FLOAT16]: {} } };
  }
  return { physical: precision === Precision.SINGLE ? "FLOAT" : "DOUBLE", order: "float" };
}

/** The smallest of the types that holds the precision, as Spark's writer does. */
function decimal(precision: number, scale: number): ParquetType {
  const annotation = {
    order: "signed",
    scale,
    precision,
    converted: converted.DECIMAL,
    logical: { [logical.DECIMAL]: { 1: scale, 2: precision } },
  } as const;
  if (precision <= 9) return { physical: "INT32", ...annotation };
  if (precision <= 18) return { physical: "INT64", ...annotation };
  const bits = Math.ceil(precision * Math.log2(10)) + 1;
  return { physical: "FIXED_LEN_BYTE_ARRAY", length: Math.ceil(bits / 8), ...annotation };
}

/** The format wants local times to have the converted type too, which says less than the logical one. */
function withUnit(
  field: number,
  unit: number,
  isAdjustedToUtc: boolean,
  convertedTypes: readonly [ms: number, us: number],
): Pick<ParquetType, "converted" | "logical"> {
  const index = [TimeUnit.MILLISECOND, TimeUnit.MICROSECOND, TimeUnit.NANOSECOND].indexOf(unit);
  const convertedType = convertedTypes[index];
  return {
    logical: { [field]: { 1: isAdjustedToUtc, 2: { [index + 1]: {} } } },
    ...(convertedType !== undefined && { converted: convertedType }),
  };
}
