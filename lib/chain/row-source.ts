/**
 * The first stage of the chain. In: a RowCursor, which is whatever rows come from. Out: ArrowIpcRow. Memory: it takes a
 * row from the cursor only while the chain holds less than its budget; beyond that the cursor is not asked, and a cursor
 * on a Spark server then stops reading from its socket.
 */
import { inspect } from "node:util";
import { Readable } from "streamx";
import { SparkStreamError } from "../errors.js";
import { afterTurn, turnIsDue } from "../runtime/event-loop.js";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { ByteBudget } from "./byte-budget.js";
import type { SourceReport } from "./source-report.js";

/** A place that rows are pulled from, one at a time. */
export interface RowCursor {
  /** The next row, or undefined after the last. Rejects if the rows end in an error. */
  next(): Promise<ArrowIpcRow | undefined>;
  /**
   * Ends the cursor, finished or not, and frees what it holds anywhere. Called exactly once. A `next` that is under way
   * need not settle any more.
   */
  close(): Promise<void>;
  /** What the source reports besides its rows, if it reports anything. */
  readonly report?: SourceReport;
  /**
   * A cursor with this counts the bytes that it and the chain hold by itself, and is asked for rows without a bound. It is
   * called when the chain lets go of a row, with its bytes.
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
    // How much it reads ahead is for the budget to say, in bytes. It waits here, before it is decompressed.
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
      // A source whose rows are all there would be read without an end.
      budget.whenRoom(() => (turnIsDue() ? afterTurn(next) : next()));
    },
    // A read that waits for Spark or for room must not hold up the end of the stream.
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

/** What a source of rows fails with may be anything, or nothing: `controller.error()` of a web stream. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const message = `The source of rows failed with ${inspect(error)}, which is not an Error.`;
  return new SparkStreamError("INVALID_INPUT", message, { cause: error });
}
