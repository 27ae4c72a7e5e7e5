import { type AsciiText, writeInteger } from "./ascii-text.js";

/** Reads a little-endian two's complement integer of 32-bit words, Arrow's form of decimals of any width. */
export function integerOf(words: Uint32Array, at: number, count: number): bigint {
  let value = BigInt(words[at + count - 1]! | 0);
  for (let word = count - 2; word >= 0; word--) value = (value << 32n) | BigInt(words[at + word]!);
  return value;
}

/** Reads it as a number, which is faster; undefined if a number does not hold it exactly. */
export function numberOf(words: Uint32Array, at: number, count: number): number | undefined {
  const high = count === 1 ? words[at]! >> 31 : words[at + 1]! | 0;
  if (high <= -0x200000 || high >= 0x200000) return undefined;
  for (let word = 2; word < count; word++) if ((words[at + word]! | 0) !== high >> 31) return undefined;
  return high * 0x100000000 + words[at]!;
}

const [MINUS, POINT] = [45, 46];

/**
 * Formats decimals with all their digits, as Spark does: `-0.50` for -50 and a scale of 2.
 *
 * @param count the number of words per decimal
 */
export function decimalTexts(words: Uint32Array, count: number, scale: number): AsciiText {
  return {
    width: Math.max(16, scale + 1) + 2,
    write(view, at, row) {
      const value = numberOf(words, row * count, count);
      if (value === undefined || scale < 0) return at;
      let start = at;
      if (value < 0) view.setUint8(start++, MINUS);
      const end = writeInteger(view, start, Math.abs(value), scale + 1);
      if (scale === 0) return end;
      for (let place = end; place > end - scale; place--) view.setUint8(place, view.getUint8(place - 1));
      view.setUint8(end - scale, POINT);
      return end + 1;
    },
    unusual: (row) => scaledText(integerOf(words, row * count, count).toString(), scale),
  };
}

/** Moves the decimal point of an integer's digits, with or without a minus sign, to the left by `scale` digits. */
export function scaledText(integer: string, scale: number): string {
  if (scale === 0) return integer;
  if (scale < 0) return integer === "0" ? integer : integer + "0".repeat(-scale);
  const negative = integer.charCodeAt(0) === 45;
  const digits = (negative ? integer.slice(1) : integer).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${negative ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
