/**
 * Formats dates and timestamps as ISO 8601 text, in the proleptic Gregorian calendar. Years outside 0000 to 9999 have a
 * sign and six digits, as in JavaScript.
 */
import { clockText, fractionText, twoDigits } from "./time-text.js";

const DAY_SECONDS = 86_400;

let lastDay = Number.NaN;
let lastDate = "";

/** Formats a day as `YYYY-MM-DD`; days are counted from 1970-01-01 in the proleptic Gregorian calendar. */
export function dateText(day: number): string {
  if (day === lastDay) return lastDate; // a timestamp column has few different days
  const date = packedDate(day);
  lastDay = day;
  lastDate = `${yearText(yearOf(date))}-${twoDigits[monthOf(date)]}-${twoDigits[dayOf(date)]}`;
  return lastDate;
}

/**
 * The date of a day as one number, year * 512 + month * 32 + day of the month, so that nothing is allocated. By Howard Hinnant's
 * civil_from_days: eras of 400 years, and years that begin in March.
 */
export function packedDate(day: number): number {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = (shifted - era * 146_097) | 0;
  const leaps = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0);
  const yearOfEra = ((dayOfEra - leaps) / 365) | 0;
  const dayOfYear = dayOfEra - 365 * yearOfEra - (yearOfEra >> 2) + ((yearOfEra / 100) | 0);
  const fromMarch = ((5 * dayOfYear + 2) / 153) | 0;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return year * 512 + month * 32 + dayOfYear - (((153 * fromMarch + 2) / 5) | 0) + 1;
}

export const yearOf = (date: number) => Math.floor(date / 512);
export const monthOf = (date: number) => (date >> 5) & 15;
export const dayOf = (date: number) => date & 31;

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
}

/** Splits a count of `10 ** -digits` seconds since 1970 into the day, the second of the day, and the rest. */
function dayParts(value: bigint, digits: number): { day: number; second: number; part: number } {
  const perSecond = 10n ** BigInt(digits);
  let part = value % perSecond;
  if (part < 0n) part += perSecond;
  const seconds = Number((value - part) / perSecond);
  const day = Math.floor(seconds / DAY_SECONDS);
  return { day, second: seconds - day * DAY_SECONDS, part: Number(part) };
}

/** Formats a count of `10 ** -digits` seconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffff`, without a zone. */
export function timestampText(value: bigint, digits: number): string {
  const { day, second, part } = dayParts(value, digits);
  return `${dateText(day)}T${clockText(second)}${fractionText(part, digits)}`;
}

/** Formats a timestamp as Spark does, without trailing zeros: `2026-06-30 10:34:56.5`. */
export function sparkTimestampText(value: bigint, digits: number): string {
  const { day, second, part } = dayParts(value, digits);
  return `${dateText(day)} ${clockText(second)}${fractionText(part, digits).replace(/\.?0+$/, "")}`;
}
