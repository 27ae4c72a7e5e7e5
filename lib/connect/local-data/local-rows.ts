/** Rows in memory, as they are sent: in Spark's types, and in parts that are small enough to work on in one turn. */

import type { Data, Schema } from "apache-arrow";
import { AbortError } from "../../runtime/abort.js";
import { turn, turnIsDue } from "../../runtime/event-loop.js";

/** Bytes and rows of a part, about. */
export const PART_BYTES = 2 * 1024 * 1024;
export const PART_ROWS = 65_536;

export interface LocalPart {
  /** Rows. */
  readonly length: number;
  readonly columns: readonly Data[];
}

export interface LocalRows {
  /** Of sparkSchema(). */
  readonly schema: Schema;
  readonly rowCount: number;
  /** The same parts each time it is called. The event loop turns in between. @throws SparkStreamError, AbortError */
  parts(signal: AbortSignal | undefined): AsyncIterable<LocalPart>;
}

/** Lets the event loop turn. @throws AbortError */
export async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  await turn();
  if (signal?.aborted) throw new AbortError(signal);
}

/** Lets the event loop turn if that is due. @throws AbortError */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  if (turnIsDue()) await nextTurn(signal);
}
