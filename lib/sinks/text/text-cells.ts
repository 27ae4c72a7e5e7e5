/** Columns of text, whose bytes are copied from Arrow's buffer, four at a time where a window of them needs no quote or escape. */
import type { Data } from "apache-arrow";
import type { Cells } from "./cells.js";
import { type TextBuffer, type TextBytes, textBytes } from "./text-buffer.js";

/** Writes the bytes of `from` between two places, with what the format puts around them. */
export type WriteText = (out: TextBuffer, from: TextBytes, start: number, end: number) => void;

/** How a format writes a text. */
export interface TextFormat {
  /** Whether no byte between two places needs a quote or an escape. */
  isPlain(from: TextBytes, start: number, end: number): boolean;
  /** Writes a text that needs none. */
  readonly plain: WriteText;
  /** Writes any text. */
  readonly any: WriteText;
}

/** The cells of a column of UTF-8 with offsets. */
export function textCells(format: TextFormat): Cells {
  return (data: Data) => {
    const from = textBytes(data.values as Uint8Array);
    const { valueOffsets, length } = data;
    const isPlain = format.isPlain(from, Number(valueOffsets[0]), Number(valueOffsets[length]));
    const write = isPlain ? format.plain : format.any;
    if (valueOffsets instanceof Int32Array) {
      return (out, row) => write(out, from, valueOffsets[row]!, valueOffsets[row + 1]!);
    }
    const offsets = valueOffsets as unknown as BigInt64Array;
    return (out, row) => write(out, from, Number(offsets[row]), Number(offsets[row + 1]));
  };
}

/** A table of bytes for {@link TextBuffer.copyUnmarked}. */
export function marksOf(bytes: Iterable<number>): Uint8Array {
  const marked = new Uint8Array(256);
  for (const byte of bytes) marked[byte] = 1;
  return marked;
}
