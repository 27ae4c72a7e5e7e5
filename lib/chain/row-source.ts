/**
 * The first stage of the chain. In: a RowCursor, which is whatever rows come from. Out: ArrowIpcRow. Memory: it takes a
 * row from the cursor only while the chain holds less than its budget; beyond that the cursor is not asked, and a cursor
 * on a Spark server then stops reading from its socket.
 */
import { Readable } from "streamx";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { ByteBudget } from "./byte-budget.js";

/** A place that rows are pulled from, one at a time. */
export interface RowCursor {
  /** The next row, or undefined after the last. Rejects where the rows end in an error. */
  next(): Promise<ArrowIpcRow | undefined>;
  /**
   * Ends the cursor, finished or not, and frees what it holds anywhere. Called exactly once. A `next` that is under way
   * need not settle any more.
   */
  close(): Promise<void>;
}

export function rowSource(cursor: RowCursor, budget: ByteBudget): Readable {
  let closed: Promise<void> | undefined;
  let pending: ((error: Error | null) => void) | undefined;

  const settle = (error: Error | null) => {
    const callback = pending;
    pending = undefined;
    callback?.(error);
  };

  const source: Readable = new Readable({
    highWaterMark: 1,
    byteLength: () => 1,
    read(callback) {
      pending = callback;
      budget.whenRoom(() => {
        if (pending !== callback) return;
        cursor.next().then(
          (row) => {
            if (pending !== callback) return;
            if (row) budget.add(row.arrow_ipc_bytes.length);
            source.push(row ?? null);
            settle(null);
          },
          (error: Error) => settle(error),
        );
      });
    },
    // A read that waits for Spark or for room must not hold up the end of the stream.
    predestroy() {
      closed = cursor.close();
      closed.catch(() => {});
      settle(null);
    },
    destroy(callback) {
      closed ??= cursor.close();
      closed.then(() => callback(null), callback);
    },
  });
  return source;
}
