/** Days, times and intervals as ISO 8601 text. Years outside of 0000 to 9999 have a sign and six digits, as in JavaScript. */

import { type AsciiText, writePair, writeTriple } from "./ascii-text.js";
import { numberOf } from "./decimal-text.js";

const DAY_SECONDS = 86_400;

/** 00 to 99. */
const twoDigits = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));
/** 000 to 999. */
const threeDigits = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"));

let lastDay = Number.NaN;
let lastDate = "";

/** `YYYY-MM-DD` of a day, counted from 1970-01-01 in the proleptic Gregorian calendar. */
export function dateText(day: number): string {
  if (day === lastDay) return lastDate; // columns of times have few days
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

/** `HH:MM:SS` of a second of the day. */
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

/** `YYYY-MM-DDTHH:MM:SS.ffffff` of a count of `10 ** -digits` seconds since 1970, without a zone. */
export function timestampText(value: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  let part = value % perSecond;
  if (part < 0n) part += perSecond;
  const seconds = Number((value - part) / perSecond);
  const day = Math.floor(seconds / DAY_SECONDS);
  return `${dateText(day)}T${clockText(seconds - day * DAY_SECONDS)}${fractionText(Number(part), digits)}`;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff` and the suffix, of microseconds since 1970. */
export function momentTexts(micros: BigInt64Array, suffix: "Z" | ""): AsciiText {
  const words = new Uint32Array(micros.buffer, micros.byteOffset, 2 * micros.length);
  // One of them, of which the rows have other digits: the date changes least.
  const text = Buffer.from("YYYY-MM-DDTHH:MM:SS.ffffffZ");
  const pattern = new DataView(text.buffer, text.byteOffset, text.length);
  const length = text.length - 1 + suffix.length;
  let day = Number.NaN;
  return {
    width: text.length,
    write(view, at, row) {
      // Held exactly from 1684 to 2255, years of four digits.
      const value = numberOf(words, 2 * row, 2);
      if (value === undefined) return at;
      const seconds = Math.floor(value / 1e6);
      const daysBefore = Math.floor(seconds / DAY_SECONDS);
      if (day !== daysBefore) {
        day = daysBefore;
        text.write(dateText(day), "latin1");
      }
      for (let index = 0; index < 24; index += 4) view.setUint32(at + index, pattern.getUint32(index));
      const second = (seconds - day * DAY_SECONDS) | 0;
      const minute = (second / 60) | 0;
      const hour = (minute / 60) | 0;
      const micro = (value - seconds * 1e6) | 0;
      const milli = (micro / 1000) | 0;
      writePair(view, at + 11, hour);
      writePair(view, at + 14, minute - 60 * hour);
      writePair(view, at + 17, second - 60 * minute);
      writeTriple(view, at + 20, milli);
      writeTriple(view, at + 23, micro - 1000 * milli);
      view.setUint8(at + 26, 90);
      return at + length;
    },
    unusual: (row) => timestampText(micros[row]!, 6) + suffix,
  };
}

/** `HH:MM:SS.ffffff` of a count of `10 ** -digits` seconds since midnight. */
export function timeText(value: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  return clockText(Number(value / perSecond)) + fractionText(Number(value % perSecond), digits);
}

/** `P1DT2H3M4.567891S`, with a minus in front where it is negative: a count of `10 ** -digits` seconds. */
export function durationText(value: bigint, digits: number): string {
  const size = value < 0n ? -value : value;
  const perDay = BigInt(DAY_SECONDS) * 10n ** BigInt(digits);
  const days = size / perDay;
  const time = secondsParts(size % perDay, digits);
  const text = `P${days === 0n ? "" : `${days}D`}${time === "" ? "" : `T${time}`}`;
  return text === "P" ? "PT0S" : `${value < 0n ? "-" : ""}${text}`;
}

/** `P1Y2M`, with a minus in front where it is negative. */
export function monthsText(months: number): string {
  const text = yearsAndMonths(Math.abs(months));
  return text === "" ? "P0M" : `${months < 0 ? "-" : ""}P${text}`;
}

/** `P1Y2M25DT5H6M7.000001S`. The three parts are independent: each negative one has minus signs of its own. */
export function calendarIntervalText(months: number, days: number, nanoseconds: bigint): string {
  const signed = (text: string, negative: boolean) => (negative ? text.replace(/[\d.]+/g, "-$&") : text);
  const time = signed(secondsParts(nanoseconds < 0n ? -nanoseconds : nanoseconds, 9), nanoseconds < 0n);
  const date = signed(yearsAndMonths(Math.abs(months)), months < 0) + (days === 0 ? "" : `${days}D`);
  const text = `P${date}${time === "" ? "" : `T${time}`}`;
  return text === "P" ? "PT0S" : text;
}

function yearsAndMonths(months: number): string {
  const years = Math.floor(months / 12);
  return `${years === 0 ? "" : `${years}Y`}${months % 12 === 0 ? "" : `${months % 12}M`}`;
}

/** Hours, minutes and seconds, of which those that are 0 are left out. */
function secondsParts(value: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  const [seconds, part] = [Number(value / perSecond), Number(value % perSecond)];
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const fraction = fractionText(part, digits).replace(/\.?0+$/, "");
  const rest = seconds % 60 === 0 && fraction === "" ? "" : `${seconds % 60}${fraction}S`;
  return `${hours === 0 ? "" : `${hours}H`}${minutes === 0 ? "" : `${minutes}M`}${rest}`;
}
