/** Writes dates as ISO 8601 bytes, by whole numbers of 32 bits: in rows of many columns no two dates in a row are the same. */
import { dateText } from "../../arrow/text/date-text.js";
import { type AsciiText, writePair } from "./ascii-text.js";

/** 1 March 0000, and 31 December 9999, in days since 1970. */
const [FIRST, LAST] = [-719_468, 2_932_896];
const [DAY, MONTH, WIDTH] = [8, 5, 10];
const HYPHEN = 45;

/** Formats days since 1970 as `YYYY-MM-DD`. */
export function dateTexts(days: Int32Array): AsciiText {
  return {
    width: WIDTH,
    write(view, at, row) {
      const day = days[row]!;
      if (day < FIRST || day > LAST) return at;
      // As in dateText(): eras of 400 years, and years that begin in March.
      const shifted = (day - FIRST) | 0;
      const era = (shifted / 146_097) | 0;
      const dayOfEra = shifted - era * 146_097;
      const leaps = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0);
      const yearOfEra = ((dayOfEra - leaps) / 365) | 0;
      const dayOfYear = dayOfEra - 365 * yearOfEra - (yearOfEra >> 2) + ((yearOfEra / 100) | 0);
      const fromMarch = ((5 * dayOfYear + 2) / 153) | 0;
      const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
      const year = yearOfEra + 400 * era + (month <= 2 ? 1 : 0);
      const century = (year / 100) | 0;
      writePair(view, at, century);
      writePair(view, at + 2, year - 100 * century);
      view.setUint8(at + MONTH - 1, HYPHEN);
      writePair(view, at + MONTH, month);
      view.setUint8(at + DAY - 1, HYPHEN);
      writePair(view, at + DAY, dayOfYear - (((153 * fromMarch + 2) / 5) | 0) + 1);
      return at + WIDTH;
    },
    unusual: (row) => dateText(days[row]!),
  };
}
