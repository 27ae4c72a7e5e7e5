/** Columns of text, whose bytes are copied from Arrow's buffer; what needs a quote or an escape is found byte by byte. */
import type { Data } from "apache-arrow";
import type { Cells } from "./cells.js";
import type { TextBuffer } from "./text-buffer.js";

/** Writes the bytes of `from` between two places, with what the format puts around them. */
export type WriteText = (out: TextBuffer, from: Uint8Array, start: number, end: number) => void;

/** The cells of a column of UTF-8 with offsets. */
export function textCells(write: WriteText): Cells {
  return (data: Data) => {
    const bytes = data.values as Uint8Array;
    const { valueOffsets } = data;
    if (valueOffsets instanceof Int32Array) {
      return (out, row) => write(out, bytes, valueOffsets[row]!, valueOffsets[row + 1]!);
    }
    const offsets = valueOffsets as unknown as BigInt64Array;
    return (out, row) => write(out, bytes, Number(offsets[row]), Number(offsets[row + 1]));
  };
}

/** A table of bytes for {@link TextBuffer.copyUnmarked}. */
export function marksOf(bytes: Iterable<number>): Uint8Array {
  const marked = new Uint8Array(256);
  for (const byte of bytes) marked[byte] = 1;
  return marked;
}
