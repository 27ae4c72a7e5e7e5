/**
 * Rows as lines of text. In, record batches of one schema; out, pieces of bytes, and undefined where the event loop should turn.
 *
 * Memory: what a TextBuffer has, and a row.
 */
import type { Field, RecordBatch } from "apache-arrow";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import { Pace } from "../../runtime/event-loop.js";
import { dataWindows } from "../values/row-windows.js";
import type { Cells, WriteCell } from "./cells.js";
import { TextBuffer } from "./text-buffer.js";

/** Rows. */
const WINDOW = 2048;
/** Bytes of a piece at the least, but for the last of a batch. */
const PIECE = 256 * 1024;
/** Rows between two looks at the clock. */
const ROWS = 16;

/** Writes the cells of a row, and what is between and behind them. */
export type WriteLine = (out: TextBuffer, cells: readonly WriteCell[], row: number) => void;

/** What an encoder of lines has of {@link BatchEncoder}. */
export interface Lines extends Omit<BatchEncoder, "finish"> {
  batch(batch: RecordBatch): Generator<Uint8Array | undefined>;
  written(): void;
}

export function lines(fields: readonly Field[], cells: readonly Cells[], write: WriteLine): Lines {
  const windows = dataWindows(fields, cells, WINDOW);
  const out = new TextBuffer();
  const pace = new Pace();
  function* batch(added: RecordBatch): Generator<Uint8Array | undefined> {
    for (const window of windows(added)) {
      const { rows, columns } = window ?? { rows: 0, columns: [] };
      for (let row = 0; row < rows; row++) {
        write(out, columns, row);
        if (out.length >= PIECE) yield out.take();
        if (row % ROWS === 0 && pace.isDue()) yield undefined;
      }
      if (!window) yield undefined;
    }
    if (out.length > 0) yield out.take();
  }
  return { batch, written: () => out.reuse() };
}
