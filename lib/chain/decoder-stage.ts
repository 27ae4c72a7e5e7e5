/**
 * The middle stage of the chain. In: ArrowIpcRow. Out: DecodedRow, the row with its decoded batches. Memory: one row
 * and the bytes that the decoder adds to it.
 */
import type { Schema } from "apache-arrow";
import { Transform } from "streamx";
import type { ArrowIpcRow, DecodedRow } from "./arrow-ipc-row.js";

/** Decodes the rows of the stage. */
export interface RowDecoder<T> {
  /** The schema of the stream, known after the first row was decoded. */
  readonly schema: Schema | undefined;
  decode(row: ArrowIpcRow): readonly T[] | Promise<readonly T[]>;
  /**
   * Makes the one batch of a stream that would otherwise have none; undefined if none is needed, or there is no schema.
   */
  empty(): T | undefined;
}

export interface DecoderStage<T> {
  readonly stage: Transform;
  /** See RowDecoder. */
  empty(): T | undefined;
}

/** Creates the stage. It calls `onSchema` once, before the first row goes out. */
export function decoderStage<T>(
  load: () => Promise<RowDecoder<T>>,
  onSchema: (schema: Schema) => void,
): DecoderStage<T> {
  let decoder: RowDecoder<T>;
  let announced = false;
  const stage = new Transform({
    highWaterMark: 1,
    byteLength: () => 1,
    open(callback) {
      load().then((loaded) => {
        decoder = loaded;
        callback(null);
      }, callback);
    },
    transform(row: ArrowIpcRow, callback) {
      const done = (batches: readonly T[]) => {
        if (!announced && decoder.schema) {
          announced = true;
          onSchema(decoder.schema);
        }
        const decoded: DecodedRow<T> = { row, batches };
        callback(null, decoded);
      };
      try {
        const batches = decoder.decode(row);
        if (batches instanceof Promise) batches.then(done, (error: Error) => callback(error, null));
        else done(batches);
      } catch (error) {
        callback(error as Error, null);
      }
    },
  });
  return { stage, empty: () => decoder.empty() };
}
