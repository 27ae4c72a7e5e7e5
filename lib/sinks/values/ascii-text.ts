/** How a text of ASCII characters is written as bytes: what ascii-column.ts makes columns of. */

export interface AsciiText {
  /** Bytes of one text at most. */
  readonly width: number;
  /** Writes the text of a row, and returns if it ends: `at` if it is not one of the usual ones. */
  write(view: DataView, at: number, row: number): number;
  /** The text of a row that `write` leaves out. */
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
 * The digits of an integer from 0 to 2 ** 53 - 1, with zeros in front if there are fewer than `least`.
 *
 * @returns where they end
 */
export function writeInteger(view: DataView, at: number, value: number, least: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  const end = at + Math.max(count, least);
  if (value <= 0x7fffffff) writeDigits(view, at, end, value);
  else {
    // Division of integers of 32 bits is much faster.
    const high = Math.floor(value / 1e9);
    writeDigits(view, at, end - 9, high);
    writeDigits(view, end - 9, end, value - high * 1e9);
  }
  return end;
}

/** An integer of 32 bits, in as many digits as there is room for. */
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
