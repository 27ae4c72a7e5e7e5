import type { RecordBatch, Schema } from "apache-arrow";

/** Bytes in order. Undefined if there are none yet, and the event loop should turn if that is due. */
export type Pieces = Iterable<Uint8Array | undefined> | AsyncIterable<Uint8Array | undefined>;

/** Makes the bytes of one format. */
export interface BatchEncoder {
  /** The bytes that the batch lets go out, in pieces that do not take long to make. */
  batch(batch: RecordBatch): Pieces;
  /** The last bytes. */
  finish(): Pieces;
}

/** Called with the first batch's schema, or that of the options. */
export type NewEncoder = (schema: Schema) => BatchEncoder | Promise<BatchEncoder>;
