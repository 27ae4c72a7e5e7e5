import type { RecordBatch } from "apache-arrow";

/**
 * One row of a result, as defined by SPARK-54337: a blob that is one complete Arrow IPC stream (a schema, any number of
 * record batches, an end-of-stream mark). Row sources produce it, the IPC decoder consumes it.
 */
export interface ArrowIpcRow {
  readonly arrow_ipc_bytes: Uint8Array;
  /** The number of rows in the blob, as the sender states it; undefined if it does not. */
  readonly rowCount?: number;
  /** Rows at the start of the blob that are left out, and not in `rowCount`. */
  readonly skipRows?: number;
  /** The number of rows of the whole result before this blob; undefined if the sender does not state it. */
  readonly startOffset?: number;
  /** The partition that all rows of the blob belong to; undefined if the sender does not state it. */
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

/** A record batch, or a chunk of encoded batches. */
export interface Counted {
  readonly numRows: number;
}
