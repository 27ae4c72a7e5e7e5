/**
 * The three stages, one behind the other: row source → decoder → batch sink. In: a RowCursor. Out: what the decoder makes of
 * its rows, as the sink delivers it. Loaded with streamx by the first stream.
 *
 * Memory: at most `readAheadBytes` of Arrow data and one row; a batch counts until it was taken.
 */
import type { Schema } from "apache-arrow";
import { pipeline } from "streamx";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { BatchInfo } from "./batch-info.js";
import { batchSink, type Counted } from "./batch-sink.js";
import { ByteBudget } from "./byte-budget.js";
import { decoderStage, type RowDecoder } from "./decoder-stage.js";
import { type RowCursor, rowSource } from "./row-source.js";

export interface ChainOptions<T extends Counted> {
  readonly rows: RowCursor;
  readonly readAheadBytes: number;
  loadDecoder(): Promise<RowDecoder<T>>;
  /** Called once, before the first batch. */
  onSchema(schema: Schema): void;
  /** See BatchSinkOptions. */
  deliver(batch: T, info: BatchInfo): Promise<void> | undefined;
  /** Called when the last batch of a row was taken. */
  onRowDone(row: ArrowIpcRow): void;
  /** Called when all batches were. */
  onEnd(): void;
  onError(error: Error): void;
}

export interface Chain {
  /** Ends it at any time, and its cursor with it. */
  destroy(): void;
  /** Resolves when the cursor is closed. */
  readonly closed: Promise<void>;
}

export function openChain<T extends Counted>(options: ChainOptions<T>): Chain {
  const { rows, readAheadBytes, loadDecoder, onSchema, deliver, onRowDone, onEnd, onError } = options;
  const budget = new ByteBudget(rows.released ? Number.POSITIVE_INFINITY : readAheadBytes);
  const source = rowSource(rows, budget);
  const { stage: decoder, empty } = decoderStage(loadDecoder, onSchema);
  const sink = batchSink<T>({
    deliver,
    onRowDone: (row) => {
      onRowDone(row);
      budget.release(row.arrow_ipc_bytes.length);
      rows.released?.(row.arrow_ipc_bytes.length);
    },
    empty,
  });
  const stages = [source, decoder, sink];
  const closed = new Promise<void>((resolve) => source.once("close", resolve));
  pipeline(source, decoder, sink, (error) => {
    if (!error) onEnd();
  });
  // Not left to the pipeline's callback, which waits for a sink that may be waiting for a sleeping consumer.
  for (const stage of stages) stage.on("error", onError);
  return {
    closed,
    destroy: () => {
      for (const stage of stages) stage.destroy();
    },
  };
}
