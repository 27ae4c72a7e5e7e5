/**
 * The first stage of the chain. In: a RowCursor, any source of rows. Out: ArrowIpcRow. Memory: it takes a row from the
 * cursor only while the chain holds less than its budget. Otherwise it does not ask the cursor, and a cursor on a Spark
 * server then stops reading from its socket.
 */
import { inspect } from "node:util";
import { Readable } from "streamx";
import { SparkStreamError } from "../errors.js";
import { afterTurn, turnIsDue } from "../runtime/event-loop.js";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { ByteBudget } from "./byte-budget.js";
import type { SourceReport } from "./source-report.js";

/** A source that rows are pulled from, one at a time. */
export interface RowCursor {
  /** The next row, or undefined after the last. Rejects if the rows end in an error. */
  next(): Promise<ArrowIpcRow | undefined>;
  /**
   * Ends the cursor, finished or not, and frees everything it holds, also on the server. Called exactly once. A pending
   * `next` need not settle.
   */
  close(): Promise<void>;
  /** The source's progress and metrics, if it reports any. */
  readonly report?: SourceReport;
  /**
   * Called with the size of a row, in bytes, when the chain releases it. A cursor with this method counts the bytes
   * that it and the chain hold itself, and is asked for rows without a bound.
   */
  released?(bytes: number): void;
}

export function rowSource(cursor: RowCursor, budget: ByteBudget): Readable {
  let closed: Promise<unknown> | undefined;
  let pending: ((error: Error | null) => void) | undefined;

  // A close that fails must not hide why the stream ended.
  const close = () => cursor.close().catch(() => {});

  const settle = (error: Error | null) => {
    const callback = pending;
    pending = undefined;
    callback?.(error);
  };

  const source: Readable = new Readable({
    // The budget bounds how much is read ahead, in bytes. Rows wait here, before they are decompressed.
    highWaterMark: Number.POSITIVE_INFINITY,
    byteLength: () => 1,
    read(callback) {
      pending = callback;
      const next = () => {
        if (pending !== callback) return;
        cursor.next().then(
          (row) => {
            if (pending !== callback) return;
            if (row) budget.add(row.arrow_ipc_bytes.length);
            source.push(row ?? null);
            settle(null);
          },
          (error: unknown) => settle(asError(error)),
        );
      };
      // Without a turn, a source whose rows are all there would block the event loop.
      budget.whenRoom(() => (turnIsDue() ? afterTurn(next) : next()));
    },
    // A pending read, waiting for Spark or for room, must not delay the end of the stream.
    predestroy() {
      closed = close();
      settle(null);
    },
    destroy(callback) {
      closed ??= close();
      void closed.then(() => callback(null));
    },
  });
  return source;
}

/** Makes an Error of anything that a source rejects with; it may be undefined: `controller.error()` of a web stream. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const message = `The source of rows failed with ${inspect(error)}, which is not an Error.`;
  return new SparkStreamError("INVALID_INPUT", message, { cause: error });
}
