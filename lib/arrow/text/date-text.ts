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
  // Howard Hinnant's civil_from_days: eras of 400 years, and years that begin in March.
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  lastDay = day;
  lastDate = `${yearText(year)}-${twoDigits[month]}-${twoDigits[dayOfMonth]}`;
  return lastDate;
}

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
