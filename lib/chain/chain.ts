/**
 * The three stages of a stream: row source → decoder → batch sink. In: a RowCursor. Out: the decoded batches, delivered
 * by the sink. The first stream loads this file, and with it streamx.
 *
 * Memory: at most `readAheadBytes` of Arrow data and one row; a batch counts until the consumer has taken it.
 */
import type { Schema } from "apache-arrow";
import { pipeline } from "streamx";
import type { ArrowIpcRow, Counted } from "./arrow-ipc-row.js";
import type { BatchInfo } from "./batch-info.js";
import { batchSink } from "./batch-sink.js";
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
  /** Called after the last batch of a row was taken. */
  onRowDone(row: ArrowIpcRow): void;
  /** Called after all batches were taken. */
  onEnd(): void;
  onError(error: Error): void;
}

export interface Chain {
  /** Ends the chain and its cursor. May be called at any time. */
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
  // Errors don't wait for the pipeline's callback: it waits for the sink, which may wait for a consumer that doesn't
  // read.
  for (const stage of stages) stage.on("error", onError);
  return {
    closed,
    destroy: () => {
      for (const stage of stages) stage.destroy();
    },
  };
}
