/**
 * Makes the texts of numbers and times. They are written as bytes, many of them are decoded as one string, and the rows
 * are slices of it: two to three times as fast as composing each from strings. V8 keeps the whole string alive as long
 * as one of its longer slices.
 */
import type { Data } from "apache-arrow";
import type { AsciiText } from "./ascii-text.js";
import { eachRow } from "./column-reader.js";

/** The number of values that share a string. */
const TOGETHER = 1024;

export function asciiColumn(data: Data, { width, write, unusual }: AsciiText): (string | null)[] {
  const { length } = data;
  const bytes = Buffer.allocUnsafe(Math.min(length, TOGETHER) * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ends = new Int32Array(length + 1);
  const texts: string[] = [];
  for (let start = 0; start < length; start += TOGETHER) {
    const end = Math.min(start + TOGETHER, length);
    let at = 0;
    for (let row = start; row < end; row++) ends[row] = at = write(view, at, row);
    texts.push(bytes.toString("latin1", 0, at));
  }
  return eachRow<string | null>(data, null, (row) => {
    const from = row % TOGETHER === 0 ? 0 : ends[row - 1]!;
    const to = ends[row]!;
    return from === to ? unusual(row) : texts[Math.floor(row / TOGETHER)]!.substring(from, to);
  });
}
