import type { RecordBatch } from "apache-arrow";

/**
 * One row of a result as SPARK-54337 shapes it: a blob that is one complete Arrow IPC stream (a schema, any number of
 * record batches, an end-of-stream mark). It goes from a row source to the IPC decoder.
 */
export interface ArrowIpcRow {
  readonly arrow_ipc_bytes: Uint8Array;
  /** Rows that the sender says are in the blob; undefined if it does not say. */
  readonly rowCount?: number;
  /** Rows of the whole result before this blob; undefined if the sender does not say. */
  readonly startOffset?: number;
  /** The partition that all rows of the blob are of; undefined if the sender does not say. */
  readonly partition?: number;
  /**
   * True if nobody else reads these bytes, so that the decoder may move a body by a few bytes to align it instead of
   * copying it. Never set for a user's own rows.
   */
  readonly owned?: boolean;
}

/** One decoded row, on its way from the IPC decoder to the batch sink. */
export interface DecodedRow<T = RecordBatch> {
  readonly row: ArrowIpcRow;
  readonly batches: readonly T[];
}
