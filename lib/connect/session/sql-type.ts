/** Arrow types as the SQL types that Spark sends as these: the reverse of arrow-schema.ts. */
import { type DataType, DateUnit, type Field, IntervalUnit, Precision, TimeUnit } from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { quotedName } from "./quoted-name.js";

/** The SQL type whose values Spark sends as this Arrow type; undefined if there is none. */
export function sqlType(field: Field): string | undefined {
  return byType(field.type, sqlTypes)?.(field);
}

const never = () => undefined;
const is = (text: string) => () => text;

/** For each type its SQL text, of a field of the type; or undefined. */
const sqlTypes: TypeTable<((field: Field) => string | undefined) | undefined> = {
  Null: () => is("VOID"),
  Bool: () => is("BOOLEAN"),
  Int: ({ isSigned, bitWidth }) =>
    isSigned ? is({ 8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT" }[bitWidth]) : undefined,
  Float: ({ precision }) =>
    precision === Precision.HALF ? undefined : is(precision === Precision.SINGLE ? "FLOAT" : "DOUBLE"),
  Decimal: ({ precision, scale }) => is(`DECIMAL(${precision}, ${scale})`),
  Utf8: () => is("STRING"),
  LargeUtf8: () => is("STRING"),
  Utf8View: never,
  Binary: () => is("BINARY"),
  LargeBinary: () => is("BINARY"),
  BinaryView: never,
  FixedSizeBinary: never,
  Date: ({ unit }) => (unit === DateUnit.DAY ? is("DATE") : undefined),
  Time: ({ unit }) =>
    unit === TimeUnit.NANOSECOND ? ({ metadata }) => `TIME(${metadata.get("SPARK::time::precision") ?? 6})` : undefined,
  Timestamp: ({ unit, timezone }) =>
    unit === TimeUnit.MICROSECOND ? is(timezone ? "TIMESTAMP" : "TIMESTAMP_NTZ") : undefined,
  Duration: ({ unit }) => (unit === TimeUnit.MICROSECOND ? is("INTERVAL DAY TO SECOND") : undefined),
  Interval: ({ unit }) =>
    ({
      [IntervalUnit.YEAR_MONTH]: is("INTERVAL YEAR TO MONTH"),
      [IntervalUnit.DAY_TIME]: undefined,
      [IntervalUnit.MONTH_DAY_NANO]: is("INTERVAL"),
    })[unit],
  Struct:
    ({ children }) =>
    () =>
      nested("STRUCT", children.map(structField)),
  List:
    ({ children }) =>
    () =>
      nested("ARRAY", children.map(sqlType)),
  Map:
    ({ children: [entries] }) =>
    () =>
      nested("MAP", (entries!.type as DataType).children.map(sqlType)),
  LargeList: never,
  FixedSizeList: never,
  Union: never,
  Dictionary: never,
};

function structField(field: Field): string | undefined {
  const text = sqlType(field);
  return text && `${quotedName(field.name)}: ${text}${field.nullable ? "" : " NOT NULL"}`;
}

function nested(name: string, parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : `${name}<${parts.join(", ")}>`;
}
