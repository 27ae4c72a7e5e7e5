/** A column's rows as JavaScript values; docs/types.md has the table. */
import { type Data, type DataType, DateUnit, IntervalUnit, TimeUnit, Type, Vector } from "apache-arrow";
import { asciiColumn } from "./ascii-column.js";
import {
  calendarIntervalText,
  dateText,
  durationText,
  momentTexts,
  monthsText,
  timestampText,
  timeText,
} from "./civil-time.js";
import { type ColumnReader, eachRow, type ValueFormat } from "./column-reader.js";
import { decimalTexts } from "./decimal-text.js";
import type { InvalidText } from "./invalid-text.js";
import { rowBuilder } from "./row-builder.js";
import { textColumn } from "./text-column.js";
import { variantText } from "./variant-text.js";

export interface ValueOptions {
  /**
   * What becomes of text that is not UTF-8, which Spark does not check: an INVALID_INPUT error that names the column and the
   * row, or U+FFFD in the place of what is broken. Default: "error".
   */
  invalidText?: InvalidText;
  /** DECIMAL as its exact digits, or as the number nearest to it. Default: "string". */
  decimals?: "string" | "number";
  /**
   * TIMESTAMP and TIMESTAMP_NTZ as ISO 8601 text with all digits, as a Date, which has only milliseconds, or as a bigint
   * of the column's unit (microseconds) since 1970. Default: "string".
   */
  timestamps?: "string" | "date" | "bigint";
}

export function jsFormat(options: ValueOptions): ValueFormat<unknown> {
  return {
    null: null,
    leaf: (type, variant) => (variant ? variantReader(options) : leafReader(type, options)),
    nested: {
      list(values, from, to) {
        const list = new Array(to - from);
        for (let index = from; index < to; index++) list[index - from] = values[index];
        return list;
      },
      struct: rowBuilder,
      map: () => (keys, values, from, to) => {
        const map = new Map<unknown, unknown>();
        for (let index = from; index < to; index++) map.set(keys[index], values[index]);
        return map;
      },
    },
  };
}

function variantReader({ invalidText }: ValueOptions): ColumnReader<unknown> {
  return (data) => {
    const [values, metadata] = data.children.map((child) => new Vector([child]));
    return eachRow<unknown>(data, null, (row) => variantText(values!.get(row), metadata!.get(row), invalidText));
  };
}

interface Parameters {
  scale: number;
  bitWidth: number;
  unit: number;
  precision: number;
  timezone: string | null;
}

function leafReader(type: DataType, options: ValueOptions): ColumnReader<unknown> | undefined {
  const { scale, bitWidth, unit, precision, timezone } = type as unknown as Parameters;
  switch (type.typeId as Type) {
    case Type.Null:
      return (data) => new Array(data.length).fill(null);
    case Type.Bool:
      return perRow((data) => {
        const { values, offset } = data;
        return (row) => ((values[(offset + row) >> 3] >> ((offset + row) & 7)) & 1) === 1;
      });
    case Type.Float:
      if (precision === 0) return viaVector; // 16 bits
      return direct;
    case Type.Int:
      return direct;
    case Type.Decimal: {
      const words = bitWidth / 32;
      const read = (data: Data) => asciiColumn(data, decimalTexts(data.values, words, scale));
      if (options.decimals !== "number") return read;
      return (data) => read(data).map((text) => text && Number(text));
    }
    case Type.Utf8:
    case Type.LargeUtf8:
      return textColumn;
    case Type.Binary:
    case Type.LargeBinary:
    case Type.FixedSizeBinary:
    case Type.Utf8View:
    case Type.BinaryView:
      return viaVector;
    case Type.Date:
      if (unit === DateUnit.DAY) return perRow((data) => (row) => dateText(data.values[row]));
      return perRow((data) => (row) => dateText(Math.floor(Number(data.values[row]) / 86_400_000)));
    case Type.Time:
      return perRow((data) => (row) => timeText(BigInt(data.values[row]), digitsOf(unit)));
    case Type.Timestamp:
      return timestampReader(digitsOf(unit), timezone ? "Z" : "", options.timestamps);
    case Type.Duration:
      return perRow((data) => (row) => durationText(data.values[row], digitsOf(unit)));
    case Type.Interval:
      return intervalReader(unit);
    default:
      return undefined;
  }
}

function perRow(getter: (data: Data) => (row: number) => unknown): ColumnReader<unknown> {
  return (data) => eachRow(data, null, getter(data));
}

/** Where the typed array has the values themselves, it is all that is needed. */
const direct: ColumnReader<unknown> = (data) => {
  const { values } = data;
  return data.nullCount > 0 ? eachRow<unknown>(data, null, (row) => values[row]) : values;
};

const viaVector: ColumnReader<unknown> = (data) => {
  const vector = new Vector([data]);
  return eachRow<unknown>(data, null, (row) => vector.get(row));
};

function timestampReader(digits: number, suffix: "Z" | "", as: ValueOptions["timestamps"]): ColumnReader<unknown> {
  if (as === "bigint") return direct;
  if (as === "date") return perRow((data) => (row) => dateOf(data.values[row], digits));
  if (digits === 6) return (data) => asciiColumn(data, momentTexts(data.values, suffix));
  return perRow((data) => (row) => timestampText(data.values[row], digits) + suffix);
}

/** @throws RangeError for what a Date cannot hold */
function dateOf(value: bigint, digits: number): Date {
  const date = new Date(millisecondsOf(value, digits));
  if (!Number.isNaN(date.getTime())) return date;
  const text = timestampText(value, digits);
  throw new RangeError(`${text} is beyond what a Date holds, take timestamps: "string" or "bigint"`);
}

/** Rounded down, of a count of `10 ** -digits` seconds. */
function millisecondsOf(value: bigint, digits: number): number {
  if (digits <= 3) return Number(value) * 10 ** (3 - digits);
  const perMs = 10 ** (digits - 3);
  const count = Number(value);
  // A double holds the count of microseconds up to the year 2255.
  if (Number.isSafeInteger(count)) return Math.floor(count / perMs);
  const size = BigInt(perMs);
  return Number((value - (((value % size) + size) % size)) / size);
}

function intervalReader(unit: number): ColumnReader<unknown> | undefined {
  if (unit === IntervalUnit.YEAR_MONTH) return perRow((data) => (row) => monthsText(data.values[row]));
  if (unit === IntervalUnit.MONTH_DAY_NANO) {
    return perRow(({ values }) => (row) => {
      const nanoseconds = (BigInt(values[4 * row + 3]) << 32n) | BigInt(values[4 * row + 2] >>> 0);
      return calendarIntervalText(values[4 * row], values[4 * row + 1], nanoseconds);
    });
  }
  return undefined;
}

function digitsOf(unit: number): number {
  return { [TimeUnit.SECOND]: 0, [TimeUnit.MILLISECOND]: 3, [TimeUnit.MICROSECOND]: 6 }[unit] ?? 9;
}
