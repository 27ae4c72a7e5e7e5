/** The shortest digits of floats with fewer bits than a double: FLOAT 0.1 is "0.1", though a double shows 0.10000000149011612. */
import { Precision } from "apache-arrow";

/**
 * Makes numbers of a float type into the numbers whose digits are shortest, of all that the type rounds to the same value.
 *
 * @param precision of apache-arrow's Float
 * @returns undefined for doubles, whose digits JavaScript shows
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
 * @param integers whole numbers below this are all values of the type, so none has fewer digits
 * @param least as many digits never collide
 * @param most as many digits always distinguish two values
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

/** The number of `digits` digits nearest to the value: `decimals` of them behind the point. */
function roundedTo(value: number, digits: number, decimals: number): number {
  const power = powers[Math.abs(decimals)];
  // Several times as fast as by way of text.
  if (power === undefined) return Number(value.toPrecision(digits));
  return decimals >= 0 ? Math.round(value * power) / power : Math.round(value / power) * power;
}

function isFloat32(text: number, value: number): boolean {
  return Math.fround(text) === value;
}

/** Whether the float of 16 bits nearest to `text` is `value`, which is one. */
function isFloat16(text: number, value: number): boolean {
  const size = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Below a power of two values are half as far apart.
  const gap = 2 ** (exponent - 10) / (size === 2 ** exponent && Math.abs(text) < size && exponent > -14 ? 2 : 1);
  return Math.abs(text - value) < gap / 2;
}
