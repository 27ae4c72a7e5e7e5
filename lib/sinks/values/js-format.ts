/** Makes JavaScript values of a column's rows; docs/types.md has the table. */
import { type Data, DateUnit, IntervalUnit, Precision, TimeUnit, Vector } from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { dateText, timestampText } from "../../arrow/text/date-text.js";
import { calendarIntervalText, durationText, monthsText } from "../../arrow/text/interval-text.js";
import { timeText } from "../../arrow/text/time-text.js";
import { asciiColumn } from "./ascii-column.js";
import { type ColumnReader, eachRow, type ValueFormat } from "./column-reader.js";
import { decimalTexts } from "./decimal-text.js";
import { rowBuilder } from "./row-builder.js";
import { textColumn } from "./text-column.js";
import { timestampTexts } from "./timestamp-text.js";
import type { ValueOptions } from "./value-options.js";
import { variantText } from "./variant-text.js";

/** What makes a difference to a value of JavaScript. */
export type JsOptions = Pick<ValueOptions, "decimals" | "timestamps" | "binary" | "invalidText">;

export function jsFormat(options: JsOptions): ValueFormat<unknown> {
  const leaves = leafReaders(options);
  return {
    null: null,
    leaf: (type, variant) => (variant ? variantReader(options) : byType(type, leaves)),
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

function variantReader({ invalidText }: JsOptions): ColumnReader<unknown> {
  return (data) => {
    const [values, metadata] = data.children.map((child) => new Vector([child]));
    return eachRow<unknown>(data, null, (row) => variantText(values!.get(row), metadata!.get(row), invalidText));
  };
}

/** The reader for each type; undefined for types with children (column-reader.ts), and for types without a value. */
function leafReaders(options: JsOptions): TypeTable<ColumnReader<unknown> | undefined> {
  const binary = binaryReader(options.binary);
  return {
    Null: () => (data) => new Array(data.length).fill(null),
    Bool: () =>
      perRow((data) => {
        const { values, offset } = data;
        return (row) => ((values[(offset + row) >> 3] >> ((offset + row) & 7)) & 1) === 1;
      }),
    Int: () => direct,
    Float: ({ precision }) => (precision === Precision.HALF ? viaVector : direct),
    Decimal({ bitWidth, scale }) {
      const read = (data: Data) => asciiColumn(data, decimalTexts(data.values, bitWidth / 32, scale));
      return options.decimals === "number" ? (data) => read(data).map((text) => text && Number(text)) : read;
    },
    Utf8: () => textColumn,
    LargeUtf8: () => textColumn,
    Utf8View: () => viaVector,
    Binary: () => binary,
    LargeBinary: () => binary,
    BinaryView: () => binary,
    FixedSizeBinary: () => binary,
    Date: ({ unit }) =>
      unit === DateUnit.DAY
        ? perRow((data) => (row) => dateText(data.values[row]))
        : perRow((data) => (row) => dateText(Math.floor(Number(data.values[row]) / 86_400_000))),
    Time: ({ unit }) => perRow((data) => (row) => timeText(BigInt(data.values[row]), digitsOf[unit])),
    Timestamp: ({ unit, timezone }) => timestampReader(digitsOf[unit], timezone ? "Z" : "", options.timestamps),
    Duration: ({ unit }) => perRow((data) => (row) => durationText(data.values[row], digitsOf[unit])),
    Interval: ({ unit }) => intervalReaders[unit],
    Struct: () => undefined,
    List: () => undefined,
    LargeList: () => undefined,
    FixedSizeList: () => undefined,
    Map: () => undefined,
    Union: () => undefined,
    Dictionary: () => undefined,
  };
}

function perRow(getter: (data: Data) => (row: number) => unknown): ColumnReader<unknown> {
  return (data) => eachRow(data, null, getter(data));
}

/** The reader for types whose typed array has the values themselves. */
const direct: ColumnReader<unknown> = (data) => {
  const { values } = data;
  return data.nullCount > 0 ? eachRow<unknown>(data, null, (row) => values[row]) : values;
};

const viaVector: ColumnReader<unknown> = (data) => {
  const vector = new Vector([data]);
  return eachRow<unknown>(data, null, (row) => vector.get(row));
};

function binaryReader(as: JsOptions["binary"] = "bytes"): ColumnReader<unknown> {
  if (as === "bytes") return viaVector;
  return (data) => {
    const vector = new Vector([data]);
    return eachRow<unknown>(data, null, (row) => {
      const bytes = vector.get(row) as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(as);
    });
  };
}

function timestampReader(digits: number, suffix: "Z" | "", as: JsOptions["timestamps"]): ColumnReader<unknown> {
  if (as === "bigint") return direct;
  if (as === "date") return perRow((data) => (row) => dateOf(data.values[row], digits));
  if (digits === 6) return (data) => asciiColumn(data, timestampTexts(data.values, suffix));
  return perRow((data) => (row) => timestampText(data.values[row], digits) + suffix);
}

/** @throws RangeError for a timestamp that a Date cannot hold */
function dateOf(value: bigint, digits: number): Date {
  const date = new Date(millisecondsOf(value, digits));
  if (!Number.isNaN(date.getTime())) return date;
  const text = timestampText(value, digits);
  throw new RangeError(`${text} is outside the range of a Date; use timestamps: "string" or "bigint"`);
}

/** Converts a count of `10 ** -digits` seconds to milliseconds, rounded down. */
function millisecondsOf(value: bigint, digits: number): number {
  if (digits <= 3) return Number(value) * 10 ** (3 - digits);
  const perMs = 10 ** (digits - 3);
  const count = Number(value);
  // A double holds the count of microseconds up to the year 2255.
  if (Number.isSafeInteger(count)) return Math.floor(count / perMs);
  const size = BigInt(perMs);
  return Number((value - (((value % size) + size) % size)) / size);
}

const intervalReaders: { readonly [unit in IntervalUnit]: ColumnReader<unknown> | undefined } = {
  [IntervalUnit.YEAR_MONTH]: perRow((data) => (row) => monthsText(data.values[row])),
  [IntervalUnit.DAY_TIME]: undefined,
  [IntervalUnit.MONTH_DAY_NANO]: perRow(({ values }) => (row) => {
    const nanoseconds = (BigInt(values[4 * row + 3]) << 32n) | BigInt(values[4 * row + 2] >>> 0);
    return calendarIntervalText(values[4 * row], values[4 * row + 1], nanoseconds);
  }),
};

/** Decimal digits of a second. */
const digitsOf: { readonly [unit in TimeUnit]: number } = {
  [TimeUnit.SECOND]: 0,
  [TimeUnit.MILLISECOND]: 3,
  [TimeUnit.MICROSECOND]: 6,
  [TimeUnit.NANOSECOND]: 9,
};
