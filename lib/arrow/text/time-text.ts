/** Formats times of the day as ISO 8601 text. */

/** 00 to 99. */
export const twoDigits = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));
/** 000 to 999. */
const threeDigits = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"));

/** Formats a second of the day as `HH:MM:SS`. */
export function clockText(second: number): string {
  const minutes = Math.floor(second / 60);
  return `${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[second % 60]}`;
}

/** `.123456`: as many digits as the unit has; nanoseconds that are whole microseconds get six. */
export function fractionText(part: number, digits: number): string {
  if (digits === 0) return "";
  if (digits === 6) return `.${threeDigits[Math.floor(part / 1000)]}${threeDigits[part % 1000]}`;
  if (digits === 9 && part % 1000 === 0) return fractionText(part / 1000, 6);
  return `.${String(part).padStart(digits, "0")}`;
}

/** Formats a count of `10 ** -digits` seconds since midnight as `HH:MM:SS.ffffff`. */
export function timeText(value: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  return clockText(Number(value / perSecond)) + fractionText(Number(value % perSecond), digits);
}
