/** Formats durations and intervals as ISO 8601 text. */
import { fractionText } from "./time-text.js";

const DAY_SECONDS = 86_400;

/** Formats a count of `10 ** -digits` seconds as `P1DT2H3M4.567891S`, with a minus sign first if it is negative. */
export function durationText(value: bigint, digits: number): string {
  const size = value < 0n ? -value : value;
  const perDay = BigInt(DAY_SECONDS) * 10n ** BigInt(digits);
  const days = size / perDay;
  const time = secondsParts(size % perDay, digits);
  const text = `P${days === 0n ? "" : `${days}D`}${time === "" ? "" : `T${time}`}`;
  return text === "P" ? "PT0S" : `${value < 0n ? "-" : ""}${text}`;
}

/** Formats months as `P1Y2M`, with a minus sign first if they are negative. */
export function monthsText(months: number): string {
  const text = yearsAndMonths(Math.abs(months));
  return text === "" ? "P0M" : `${months < 0 ? "-" : ""}P${text}`;
}

/** Formats as `P1Y2M25DT5H6M7.000001S`. The three parts are independent: each negative part has its own minus signs. */
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

/** Hours, minutes and seconds, without those that are 0. */
function secondsParts(value: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  const [seconds, part] = [Number(value / perSecond), Number(value % perSecond)];
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const fraction = fractionText(part, digits).replace(/\.?0+$/, "");
  const rest = seconds % 60 === 0 && fraction === "" ? "" : `${seconds % 60}${fraction}S`;
  return `${hours === 0 ? "" : `${hours}H`}${minutes === 0 ? "" : `${minutes}M`}${rest}`;
}
