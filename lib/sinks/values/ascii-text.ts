/** Writes texts of ASCII characters as bytes, for the columns of ascii-column.ts. */

export interface AsciiText {
  /** The most bytes of one text. */
  readonly width: number;
  /** Writes the text of a row, and returns its end; returns `at` for a row whose text is unusual. */
  write(view: DataView, at: number, row: number): number;
  /** The text of a row that `write` does not write. */
  unusual(row: number): string;
}

const ZERO = 48;
/** The digits of 0 to 99, the first in the lower byte. */
const pairs = Uint16Array.from(
  { length: 100 },
  (_, value) => (ZERO + (value % 10)) * 256 + ZERO + Math.floor(value / 10),
);

/** Two digits of an integer from 0 to 99. */
export function writePair(view: DataView, at: number, value: number): void {
  view.setUint16(at, pairs[value]!, true);
}

/** Three digits of an integer from 0 to 999. */
export function writeTriple(view: DataView, at: number, value: number): void {
  const hundreds = (value / 100) | 0;
  view.setUint8(at, ZERO + hundreds);
  writePair(view, at + 1, value - 100 * hundreds);
}

/**
 * Writes the digits of an integer from 0 to 2 ** 53 - 1, with leading zeros if there are fewer than `least`.
 *
 * @returns the end of the digits
 */
export function writeInteger(view: DataView, at: number, value: number, least: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  const end = at + Math.max(count, least);
  if (value <= 0x7fffffff) writeDigits(view, at, end, value);
  else {
    // Division of 32-bit integers is much faster.
    const high = Math.floor(value / 1e9);
    writeDigits(view, at, end - 9, high);
    writeDigits(view, end - 9, end, value - high * 1e9);
  }
  return end;
}

/** Writes a 32-bit integer in the digits from `from` to `to`. */
function writeDigits(view: DataView, from: number, to: number, value: number): void {
  let rest = value | 0;
  let place = to;
  while (place - from > 1) {
    const next = (rest / 100) | 0;
    place -= 2;
    writePair(view, place, rest - 100 * next);
    rest = next;
  }
  if (place > from) view.setUint8(from, ZERO + rest);
}
