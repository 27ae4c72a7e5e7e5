/** Finds the shortest digits of floats with fewer bits than a double: FLOAT 0.1 is "0.1", not 0.10000000149011612. */
import { Precision } from "apache-arrow";

/**
 * Returns a function that replaces a number of a float type by the number with the shortest digits among all that the
 * type rounds to the same value.
 *
 * @param precision the precision of apache-arrow's Float
 * @returns undefined for doubles, whose digits JavaScript prints itself
 */
export function shortestOf(precision: Precision): ((value: number) => number) | undefined {
  if (precision === Precision.SINGLE) return shortestFloat32;
  if (precision === Precision.HALF) return shortestFloat16;
  return undefined;
}

export function shortestFloat32(value: number): number {
  // The smallest values have fewer bits.
  return shortest(value, 2 ** 24, Math.abs(value) < 2 ** -126 ? 1 : 6, 9, isFloat32);
}

export function shortestFloat16(value: number): number {
  return shortest(value, 2 ** 11, Math.abs(value) < 2 ** -14 ? 1 : 3, 5, isFloat16);
}

/** Powers of ten that a double holds exactly. */
const powers = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * @param integers all integers below this are values of the type, so no shorter digits exist
 * @param least numbers with this many digits are never rounded to the same value
 * @param most this many digits always distinguish two values
 */
function shortest(
  value: number,
  integers: number,
  least: number,
  most: number,
  roundsTo: (text: number, value: number) => boolean,
): number {
  if (!Number.isFinite(value) || (Math.abs(value) < integers && Number.isInteger(value))) return value;
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  for (let digits = least; digits < most; digits++) {
    const rounded = roundedTo(value, digits, digits - 1 - exponent);
    if (roundsTo(rounded, value)) return rounded;
  }
  return roundedTo(value, most, most - 1 - exponent);
}

/** Rounds the value to `digits` digits, `decimals` of them after the point. */
function roundedTo(value: number, digits: number, decimals: number): number {
  const power = powers[Math.abs(decimals)];
  // Several times as fast as going through text.
  if (power === undefined) return Number(value.toPrecision(digits));
  return decimals >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

function isFloat32(text: number, value: number): boolean {
  return Math.fround(text) === value;
}

/** Whether `value`, a 16-bit float, is the nearest one to `text`. */
function isFloat16(text: number, value: number): boolean {
  const size = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Below a power of two values are half as far apart.
  const gap = 2 ** (exponent - 10) / (size === 2 ** exponent && Math.abs(text) < size && exponent > -14 ? 2 : 1);
  return Math.abs(text - value) < gap / 2;
}
