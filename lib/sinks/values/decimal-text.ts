/** An integer in 32-bit words of two's complement, the lowest first, which is how Arrow has decimals of any width. */
export function integerOf(words: Uint32Array, at: number, count: number): bigint {
  let value = BigInt(words[at + count - 1]! | 0);
  for (let word = count - 2; word >= 0; word--) value = (value << 32n) | BigInt(words[at + word]!);
  return value;
}

/** The decimal with all its digits, as Spark shows it: `-0.50` for -50 and a scale of 2. */
export function decimalText(words: Uint32Array, at: number, count: number, scale: number): string {
  const low = words[at]!;
  // Most decimals fit into one word, and a number is turned into text much faster than a bigint.
  const sign = low >>> 31 === 0 ? 0 : 0xffffffff;
  for (let word = 1; word < count; word++) {
    if (words[at + word] !== sign) return scaledText(integerOf(words, at, count).toString(), scale);
  }
  return scaledText(String(low | 0), scale);
}

/** Digits, maybe with a minus in front, with the point moved to the left by `scale` of them. */
export function scaledText(integer: string, scale: number): string {
  if (scale === 0) return integer;
  if (scale < 0) return integer === "0" ? integer : integer + "0".repeat(-scale);
  const negative = integer.charCodeAt(0) === 45;
  const digits = (negative ? integer.slice(1) : integer).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${negative ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
