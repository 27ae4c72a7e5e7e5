/**
 * The bytes of Arrow data that a row becomes, as a SQL expression that Spark sums up: exact for columns of fixed width,
 * for strings and binaries, and for what is nested of these; a guess for the few types that no expression can measure.
 */
import type { DataType } from "../../connect/generated/spark-connect_pb.js";
import { quotedName } from "../../connect/session/quoted-name.js";

/** Bytes that each value takes, and an expression for what it takes beyond that, if it does. */
interface Size {
  readonly fixed: number;
  readonly more?: string;
}

/** The bytes of each value in Arrow. Strings and lists have an offset of 4 bytes. */
const widths: Partial<Record<NonNullable<DataType["kind"]["case"]>, number>> = {
  null: 0,
  boolean: 1,
  byte: 1,
  short: 2,
  integer: 4,
  float: 4,
  date: 4,
  yearMonthInterval: 4,
  decimal: 16,
  calendarInterval: 16,
  // Guesses: SQL cannot see their content.
  geometry: 64,
  geography: 64,
  udt: 64,
};
const OTHER_WIDTH = 8;

/** @param columns their names and types; the names as they may stand in SQL */
export function rowBytesSql(columns: readonly { name: string; type: DataType | undefined }[]): string {
  return sum(
    total([{ fixed: Math.ceil(columns.length / 8) }, ...columns.map(({ name, type }) => sizeOf(type, name, 0))]),
  );
}

function sizeOf(type: DataType | undefined, value: string, depth: number): Size {
  const kind = type?.kind;
  switch (kind?.case) {
    case "string":
    case "char":
    case "varChar":
    case "binary":
      return { fixed: 4, more: `octet_length(${value})` };
    case "variant":
      return { fixed: 8, more: `octet_length(CAST(${value} AS STRING))` };
    case "array":
      return { fixed: 4, more: elementBytes(kind.value.elementType, value, depth) };
    case "map": {
      const keys = elementBytes(kind.value.keyType, `map_keys(${value})`, depth);
      return { fixed: 4, more: `${keys} + ${elementBytes(kind.value.valueType, `map_values(${value})`, depth)}` };
    }
    case "struct": {
      const { fields } = kind.value;
      const names = new Set(fields.map(({ name }) => name.toLowerCase()));
      // SQL cannot distinguish fields of one name.
      if (names.size < fields.length) return { fixed: fields.length * OTHER_WIDTH };
      return total(fields.map(({ name, dataType }) => sizeOf(dataType, `${value}.${quotedName(name)}`, depth)));
    }
    default:
      return { fixed: (kind?.case && widths[kind.case]) ?? OTHER_WIDTH };
  }
}

/** What all elements of an array take. */
function elementBytes(type: DataType | undefined, array: string, depth: number): string {
  const element = `x${depth}`;
  const size = sizeOf(type, element, depth + 1);
  if (size.more === undefined) return `greatest(size(${array}), 0) * ${size.fixed}L`;
  return `aggregate(${array}, 0L, (bytes, ${element}) -> bytes + ${sum(size)})`;
}

function total(sizes: readonly Size[]): Size {
  const more = sizes.flatMap((size) => (size.more === undefined ? [] : [`coalesce(${size.more}, 0)`]));
  const fixed = sizes.reduce((bytes, size) => bytes + size.fixed, 0);
  return more.length > 0 ? { fixed, more: more.join(" + ") } : { fixed };
}

function sum({ fixed, more }: Size): string {
  return more === undefined ? `${fixed}L` : `${fixed}L + coalesce(${more}, 0)`;
}
