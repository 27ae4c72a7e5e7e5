import type { Data } from "apache-arrow";
import { eachRow } from "./column-reader.js";

/**
 * Reads a column of text. If all of it is ASCII, which one pass shows, it is decoded as one string, and the rows are
 * slices of it: several times as fast. V8 keeps the whole string alive as long as one of its longer slices.
 */
export function textColumn(data: Data): (string | null)[] {
  const offsets = data.valueOffsets as Int32Array | BigInt64Array;
  if (data.length === 0) return [];
  const first = Number(offsets[0]);
  const bytes = data.values as Uint8Array;
  const used = Buffer.from(bytes.buffer, bytes.byteOffset + first, Number(offsets[data.length]) - first);
  const text = used.length <= MAX_TEXT ? used.toString("utf8") : "";
  if (text.length === used.length) {
    return eachRow<string | null>(data, null, (row) =>
      text.substring(Number(offsets[row]) - first, Number(offsets[row + 1]) - first),
    );
  }
  return eachRow<string | null>(data, null, (row) =>
    used.toString("utf8", Number(offsets[row]) - first, Number(offsets[row + 1]) - first),
  );
}

/** The most characters decoded as one string; far less than a string can hold. */
const MAX_TEXT = 16 * 1024 * 1024;
