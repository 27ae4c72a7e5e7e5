/** Values that JavaScript has no type for, from their text: that of rows(), and what else reads the same. */

const DATE = /^([+-]?\d{4,6})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;
const TIMESTAMP = /^([+-]?\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(Z|[+-]\d\d(?::?\d\d)?)?$/;
const DAY_TIME = /^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?$/;
const YEAR_MONTH = /^(-)?P(?:(\d+)Y)?(?:(\d+)M)?$/;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

const DAY_NS = 86_400_000_000_000n;

/** Days since 1970 of a date such as "2026-06-30"; undefined if it is none. */
export function daysOf(text: string): number | undefined {
  const found = DATE.exec(text);
  if (!found) return undefined;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  return daysFromCivil(year, month, day);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** In the proleptic Gregorian calendar, as Spark counts. Years begin in March, so that a leap day is their last. */
function daysFromCivil(year: number, month: number, day: number): number {
  const march = month > 2 ? year : year - 1;
  const era = Math.floor(march / 400);
  const yearOfEra = march - 400 * era;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return 146_097 * era + dayOfEra - 719_468;
}

/** Nanoseconds since midnight of a time such as "12:34:56.123456"; undefined if it is none. */
export function timeOf(text: string): bigint | undefined {
  const found = TIME.exec(text);
  if (!found) return undefined;
  const [hours, minutes, seconds] = found.slice(1, 4).map((part = "0") => Number(part)) as [number, number, number];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return BigInt(3600 * hours + 60 * minutes + seconds) * 1_000_000_000n + BigInt((found[4] ?? "").padEnd(9, "0"));
}

/**
 * Microseconds since 1970 of a timestamp such as "2026-06-30T12:34:56.123456Z"; undefined if it is none, or has digits
 * beyond microseconds.
 *
 * @param zoned whether it must have a zone, or must have none
 */
export function microsOf(text: string, zoned: boolean): bigint | undefined {
  const [, date, time = "00:00", zone] = TIMESTAMP.exec(text) ?? [];
  const days = date === undefined ? undefined : daysOf(date);
  const ofDay = timeOf(time);
  if (days === undefined || ofDay === undefined || zoned !== (zone !== undefined)) return undefined;
  const offset = zone === undefined || zone === "Z" ? 0 : offsetMinutes(zone);
  const nanoseconds = BigInt(days) * DAY_NS + ofDay - BigInt(offset) * 60_000_000_000n;
  return nanoseconds % 1000n === 0n ? nanoseconds / 1000n : undefined;
}

function offsetMinutes(zone: string): number {
  const [hours, minutes] = [zone.slice(1, 3), zone.slice(3).replace(":", "")].map(Number) as [number, number];
  return (zone.startsWith("-") ? -1 : 1) * (60 * hours + minutes);
}

/** Microseconds of a duration such as "-P1DT2H3M4.567891S"; undefined if it is none. */
export function durationOf(text: string): bigint | undefined {
  const found = DAY_TIME.exec(text);
  if (!found || /[PT]$/.test(text)) return undefined;
  const [days, hours, minutes, seconds] = found.slice(2, 6).map((part = "0") => BigInt(part)) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const whole = ((days * 24n + hours) * 60n + minutes) * 60n + seconds;
  const micros = whole * 1_000_000n + BigInt((found[6] ?? "").padEnd(6, "0"));
  return found[1] ? -micros : micros;
}

/** Months of an interval such as "P1Y2M"; undefined if it is none. */
export function monthsOf(text: string): number | undefined {
  const found = YEAR_MONTH.exec(text);
  if (!found || text.endsWith("P")) return undefined;
  const months = 12 * Number(found[2] ?? 0) + Number(found[3] ?? 0);
  return found[1] ? -months : months;
}

/** A decimal without its point, such as 1250n for "12.5" with 2 digits after it; undefined if it is none, or has more. */
export function unscaledOf(text: string, scale: number): bigint | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const missing = scale - fraction.length + Number(exponent);
  const digits = whole + fraction;
  if (missing < 0 && /[1-9]/.test(digits.slice(missing))) return undefined;
  const kept = missing < 0 ? digits.slice(0, missing) : digits + "0".repeat(missing);
  const unscaled = BigInt(kept || "0");
  return sign === "-" ? -unscaled : unscaled;
}
