import type { RecordBatch, Schema } from "apache-arrow";

/** Bytes, in order. `undefined` means: none yet, let the event loop turn if that is due. */
export type Pieces = Iterable<Uint8Array | undefined> | AsyncIterable<Uint8Array | undefined>;

/** Encodes record batches in one format. */
export interface BatchEncoder {
  /** The bytes that are ready once the batch is added, in pieces that are each quick to make. */
  batch(batch: RecordBatch): Pieces;
  /** Gives what it holds back for larger pieces, such as a Parquet row group. An encoder without it holds nothing back. */
  flush?(): Pieces;
  /** The last bytes. */
  finish(): Pieces;
  /** Told after a piece that the bytes of those before it are not needed any more: their memory may be used again. */
  written?(): void;
}

/** Creates an encoder. It receives the first batch's schema, or the schema given in the options. */
export type NewEncoder = (schema: Schema) => BatchEncoder | Promise<BatchEncoder>;
