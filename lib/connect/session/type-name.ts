import type { DataType } from "../generated/spark-connect_pb.js";
import { quotedName } from "./quoted-name.js";

/** Types whose names in SQL are not those of the protocol. */
const names: Readonly<Partial<Record<NonNullable<DataType["kind"]["case"]>, string>>> = {
  null: "void",
  byte: "tinyint",
  short: "smallint",
  integer: "int",
  long: "bigint",
  timestampNtz: "timestamp_ntz",
  calendarInterval: "interval",
};

const YEAR_MONTH = ["year", "month"];
const DAY_TIME = ["day", "hour", "minute", "second"];
/** A name that needs no quotes. */
const PLAIN = /^[a-z_]\w*$/i;

/** Spark's name of a type, in lower case and as CREATE TABLE takes it: "bigint", "array<string>", "decimal(10,2)". */
export function typeName({ kind }: DataType): string {
  switch (kind.case) {
    case "decimal":
      return `decimal(${kind.value.precision ?? 10},${kind.value.scale ?? 0})`;
    case "char":
      return `char(${kind.value.length})`;
    case "varChar":
      return `varchar(${kind.value.length})`;
    case "time":
      return `time(${kind.value.precision ?? 6})`;
    case "yearMonthInterval":
      return interval(YEAR_MONTH, kind.value.startField ?? 0, kind.value.endField ?? 1);
    case "dayTimeInterval":
      return interval(DAY_TIME, kind.value.startField ?? 0, kind.value.endField ?? 3);
    case "array":
      return `array<${nameOf(kind.value.elementType)}>`;
    case "map":
      return `map<${nameOf(kind.value.keyType)},${nameOf(kind.value.valueType)}>`;
    case "struct": {
      const fields = kind.value.fields.map(({ name, dataType }) => `${fieldName(name)}:${nameOf(dataType)}`);
      return `struct<${fields.join(",")}>`;
    }
    case "udt":
      return nameOf(kind.value.sqlType);
    case "unparsed":
      return kind.value.dataTypeString;
    default:
      return names[kind.case!] ?? kind.case ?? "unknown";
  }
}

function nameOf(type: DataType | undefined): string {
  return type ? typeName(type) : "unknown";
}

function fieldName(name: string): string {
  return PLAIN.test(name) ? name : quotedName(name);
}

function interval(fields: readonly string[], start: number, end: number): string {
  return start === end ? `interval ${fields[start]}` : `interval ${fields[start]} to ${fields[end]}`;
}
