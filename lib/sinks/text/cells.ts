/**
 * Columns whose values are written as bytes, straight from Arrow's buffers: whole numbers, floats, decimals, dates, timestamps in
 * microseconds and booleans. What the text of other types is, their formats say (json-cells.ts, csv-cells.ts).
 */

import type { DataType } from "apache-arrow";
import { type Data, DateUnit, Precision, TimeUnit } from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { type AsciiText, writeInteger } from "../values/ascii-text.js";
import { dateTexts } from "../values/date-texts.js";
import { decimalTexts, numberOf } from "../values/decimal-text.js";
import { shortestFloat32 } from "../values/float-text.js";
import { timestampTexts } from "../values/timestamp-text.js";
import type { TextBuffer } from "./text-buffer.js";

/** Writes the value of a row. */
export type WriteCell = (out: TextBuffer, row: number) => void;

/** How the values of a column are written, for a window of its rows. */
export type Cells = (data: Data) => WriteCell;

/** The parts of a text that a format decides. */
export interface CellFormat {
  /** A number that JavaScript does not hold: BIGINT beyond 2^53. */
  bigint(out: TextBuffer, value: bigint): void;
  /** Whether BIGINT is always a text. */
  readonly bigintIsText: boolean;
  /** A float that is no whole number, and has many digits or none. */
  float(out: TextBuffer, value: number): void;
  /** Before and behind a text of ASCII characters, none of which needs an escape. */
  readonly quote: Uint8Array;
}

const MINUS = 45;
const POINT = 46;
/** Bytes of a number, a date or a timestamp at the most. */
const WIDTH = 64;

/** The writer of columns of this type; undefined for others. A null is not written: see {@link orNull}. */
export function plainCells(
  type: DataType,
  format: CellFormat,
  {
    decimals,
    timestamps,
  }: { decimals?: "string" | "number" | undefined; timestamps?: "string" | "bigint" | undefined },
): Cells | undefined {
  const none = () => undefined;
  const types: TypeTable<Cells | undefined> = {
    Null: none,
    Bool: () => booleans,
    Int: ({ bitWidth, isSigned }) => (bitWidth === 64 ? longs(format, isSigned) : integers),
    Float: ({ precision }) =>
      precision === Precision.HALF
        ? undefined
        : floats(format, precision === Precision.SINGLE ? shortestFloat32 : same),
    Decimal: ({ bitWidth, scale }) =>
      decimals === "number" ? undefined : asciiCells((data) => decimalTexts(data.values, bitWidth / 32, scale), format),
    Utf8: none,
    LargeUtf8: none,
    Utf8View: none,
    Binary: none,
    LargeBinary: none,
    BinaryView: none,
    FixedSizeBinary: none,
    Date: ({ unit }) => (unit === DateUnit.DAY ? asciiCells((data) => dateTexts(data.values), format) : undefined),
    Time: none,
    Timestamp: ({ unit, timezone }) => {
      if (timestamps === "bigint") return longs(format, true);
      if (unit !== TimeUnit.MICROSECOND) return undefined;
      return asciiCells((data) => timestampTexts(data.values, timezone ? "Z" : ""), format);
    },
    Duration: none,
    Interval: none,
    Struct: none,
    List: none,
    LargeList: none,
    FixedSizeList: none,
    Map: none,
    Union: none,
    Dictionary: none,
  };
  return byType(type, types);
}

/** The same with a text for nulls. */
export function orNull(cells: Cells, writeNull: (out: TextBuffer) => void): Cells {
  return (data) => {
    const write = cells(data);
    const { nullBitmap, offset } = data;
    if (!(data.nullCount > 0) || !nullBitmap) return write;
    return (out, row) => {
      const bit = offset + row;
      if ((nullBitmap[bit >> 3]! >> (bit & 7)) & 1) write(out, row);
      else writeNull(out);
    };
  };
}

const [TRUE, FALSE] = [Buffer.from("true"), Buffer.from("false")];

const booleans: Cells = ({ values, offset }) => {
  return (out, row) => out.raw((values[(offset + row) >> 3] >> ((offset + row) & 7)) & 1 ? TRUE : FALSE);
};

const integers: Cells = ({ values }) => {
  return (out, row) => writeNumber(out, values[row] as number);
};

/** A whole number that a double holds. */
function writeNumber(out: TextBuffer, value: number): void {
  out.ensure(WIDTH);
  let size = value;
  if (value < 0) {
    out.bytes[out.at++] = MINUS;
    size = -value;
  }
  out.at = writeInteger(out.view, out.at, size, 1);
}

function longs(format: CellFormat, isSigned: boolean): Cells {
  return ({ values }) => {
    const bigints = values as BigInt64Array;
    const words = new Uint32Array(bigints.buffer, bigints.byteOffset, 2 * bigints.length);
    return (out, row) => {
      const high = words[2 * row + 1]!;
      const value = isSigned || high < 0x200000 ? numberOf(words, 2 * row, 2) : undefined;
      if (value === undefined || format.bigintIsText) format.bigint(out, bigints[row]!);
      else writeNumber(out, value);
    };
  };
}

const same = (value: number) => value;

/** Whole numbers below this have all of their digits, also with a few more behind the point. */
const MOST = 2 ** 51;
const DECIMALS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6] as const;

/** @param shortest a number with the digits that the type needs */
function floats(format: CellFormat, shortest: (value: number) => number): Cells {
  return ({ values }) => {
    return (out, row) => {
      const value = shortest(values[row] as number);
      if (!writeShort(out, value)) format.float(out, value);
    };
  };
}

/**
 * A float with at most six digits behind the point, which are those that JavaScript prints: the fewest that are not another float.
 * Any fewer would have been found before.
 */
function writeShort(out: TextBuffer, value: number): boolean {
  if (!(Math.abs(value) < MOST) || Object.is(value, -0)) return false;
  for (let digits = 0; digits < DECIMALS.length; digits++) {
    const power = DECIMALS[digits]!;
    const scaled = Math.round(value * power);
    if (scaled / power !== value) continue;
    if (!(Math.abs(scaled) < MOST)) return false;
    if (digits === 0) writeNumber(out, scaled);
    else writeDecimals(out, scaled, digits);
    return true;
  }
  return false;
}

function writeDecimals(out: TextBuffer, scaled: number, digits: number): void {
  out.ensure(WIDTH);
  const { view } = out;
  let { at } = out;
  if (scaled < 0) view.setUint8(at++, MINUS);
  const end = writeInteger(view, at, Math.abs(scaled), digits + 1);
  for (let place = end; place > end - digits; place--) view.setUint8(place, view.getUint8(place - 1));
  view.setUint8(end - digits, POINT);
  out.at = end + 1;
}

function asciiCells(textsOf: (data: Data) => AsciiText, { quote }: CellFormat): Cells {
  return (data) => {
    const { width, write, unusual } = textsOf(data);
    return (out, row) => {
      out.raw(quote);
      out.ensure(width);
      const end = write(out.view, out.at, row);
      if (end === out.at) out.ascii(unusual(row));
      else out.at = end;
      out.raw(quote);
    };
  };
}
