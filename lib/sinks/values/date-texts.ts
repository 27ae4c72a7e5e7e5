/** Writes dates as ISO 8601 bytes. Strings would cost more: dateText() remembers one date, which helps a single column only. */
import { dateText, dayOf, monthOf, packedDate, yearOf } from "../../arrow/text/date-text.js";
import { type AsciiText, writePair } from "./ascii-text.js";

/** 1 January 0000, and 31 December 9999, in days since 1970. */
const [FIRST, LAST] = [-719_528, 2_932_896];
const [DAY, MONTH, WIDTH] = [8, 5, 10];
const HYPHEN = 45;

/** Formats days since 1970 as `YYYY-MM-DD`. */
export function dateTexts(days: Int32Array): AsciiText {
  return {
    width: WIDTH,
    write(view, at, row) {
      const day = days[row]!;
      if (day < FIRST || day > LAST) return at;
      const date = packedDate(day);
      const year = yearOf(date);
      const century = (year / 100) | 0;
      writePair(view, at, century);
      writePair(view, at + 2, year - 100 * century);
      view.setUint8(at + MONTH - 1, HYPHEN);
      writePair(view, at + MONTH, monthOf(date));
      view.setUint8(at + DAY - 1, HYPHEN);
      writePair(view, at + DAY, dayOf(date));
      return at + WIDTH;
    },
    unusual: (row) => dateText(days[row]!),
  };
}
