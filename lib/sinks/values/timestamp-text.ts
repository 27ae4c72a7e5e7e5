/** Writes timestamps in microseconds, the unit of most columns, as ISO 8601 bytes: several times as fast as strings. */
import { dateText, timestampText } from "../../arrow/text/date-text.js";
import { type AsciiText, writePair, writeTriple } from "./ascii-text.js";
import { numberOf } from "./decimal-text.js";

const DAY_SECONDS = 86_400;

/** Formats microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffff` and the suffix. */
export function timestampTexts(micros: BigInt64Array, suffix: "Z" | ""): AsciiText {
  const words = new Uint32Array(micros.buffer, micros.byteOffset, 2 * micros.length);
  // A text whose digits are replaced for each row: the date changes least often.
  const text = Buffer.from("YYYY-MM-DDTHH:MM:SS.ffffffZ");
  const pattern = new DataView(text.buffer, text.byteOffset, text.length);
  const length = text.length - 1 + suffix.length;
  let day = Number.NaN;
  return {
    width: text.length,
    write(view, at, row) {
      // A number is exact from 1684 to 2255, years of four digits.
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
