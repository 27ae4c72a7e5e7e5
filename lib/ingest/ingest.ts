/** The rows of one writer on their way into a frame of Spark, which is written: upload/ and pull/. */
import type { Schema } from "apache-arrow";
import type { LocalPart } from "../connect/local-data/local-rows.js";
import type { Checkpoint } from "../connect/session/checkpoint.js";
import type { DataFrame } from "../connect/session/session.js";
import type { RunOptions } from "../runtime/call-options.js";

/**
 *   begin → add* → finish     each awaited before the next
 *   stop                      at any moment, again and again
 */
export interface Ingest {
  readonly metrics: WriterMetrics;
  /** @param schema in the types that Spark takes */
  begin(schema: Schema): Promise<void>;
  /** Settles when there is room for more. */
  add(part: LocalPart): Promise<void>;
  /** No more come. Settles when Spark has committed. */
  finish(): Promise<void>;
  /** Leaves nothing that runs. Never rejects. @param reason what the stream has failed with */
  stop(reason?: Error | null): Promise<void>;
}

/** What a writer has done so far. */
export interface WriterMetrics {
  readonly rows: number;
  /** As they went to Spark: large ones in parts. */
  readonly batches: number;
  /** Bytes of Arrow data. */
  readonly bytes: number;
}

/**
 * What becomes of the frame; resolves when Spark has committed it.
 *
 * @param checkpoints what the frame stands on. They are removed afterwards, unless all of them are to be kept.
 */
export type WriteFrame = (frame: DataFrame, options: RunOptions, checkpoints: readonly Checkpoint[]) => Promise<void>;
