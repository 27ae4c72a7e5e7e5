/**
 * The chain (row source → decoder → batch sink, on streamx) inside one core Readable. In: a RowCursor. Out: what the
 * decoder makes of its rows, as `hand` puts it into the Readable.
 *
 * Memory: the chain holds at most `readAheadBytes` of Arrow data and one row; a batch counts until the consumer has taken
 * it.
 */
import { Readable, type ReadableOptions } from "node:stream";
import type { Schema } from "apache-arrow";
import { pipeline } from "streamx";
import { isWatched, publish } from "../diagnostics.js";
import { SparkStreamError } from "../errors.js";
import type { BatchInfo } from "./batch-info.js";
import { batchSink, type Counted } from "./batch-sink.js";
import { ByteBudget } from "./byte-budget.js";
import { decoderStage, type RowDecoder } from "./decoder-stage.js";
import type { ResultReport } from "./result-report.js";
import { type RowCursor, rowSource } from "./row-source.js";
import { StreamCounts, type StreamMetrics } from "./stream-metrics.js";

export interface ChainParts<T extends Counted> {
  readonly rows: RowCursor;
  readonly readAheadBytes: number;
  loadDecoder(): Promise<RowDecoder<T>>;
}

export abstract class ChainReadable<T extends Counted> extends Readable {
  /**
   * The schema, known before the first batch, and for an empty result too. Rejects with the stream's error if that comes
   * first.
   */
  readonly schema: Promise<Schema>;
  readonly #counts = new StreamCounts();
  readonly #report: ResultReport | undefined;
  #complete = false;
  #resolveSchema!: (schema: Schema) => void;
  #rejectSchema!: (error: Error) => void;
  /** Whether a consumer has come: nothing is handed on before. */
  #begun = false;
  #wanted = false;
  #onWanted: (() => void) | undefined;
  readonly #closed: Promise<void>;
  readonly #destroyChain: () => void;

  constructor({ rows, readAheadBytes, loadDecoder }: ChainParts<T>, options: ReadableOptions) {
    super(options);
    this.schema = new Promise((resolve, reject) => {
      this.#resolveSchema = resolve;
      this.#rejectSchema = reject;
    });
    this.schema.catch(() => {}); // whoever asks for it gets the error; whoever does not, gets it from the stream

    const { report } = rows;
    if (report) {
      report.watch((progress) => {
        if (this.listenerCount("progress") > 0) this.emit("progress", progress());
        if (isWatched("progress")) publish("progress", this, { progress: progress() });
      });
    }
    this.#report = report;
    publish("start", this);

    const budget = new ByteBudget(rows.released ? Number.POSITIVE_INFINITY : readAheadBytes);
    const source = rowSource(rows, budget);
    const { stage: middle, empty } = decoderStage(loadDecoder, (schema) => this.#resolveSchema(schema));
    const sink = batchSink<T>({
      deliver: (batch, info) => this.#deliver(batch, info),
      onRowDone: (row) => {
        this.#counts.bytes += row.arrow_ipc_bytes.length;
        budget.release(row.arrow_ipc_bytes.length);
        rows.released?.(row.arrow_ipc_bytes.length);
      },
      empty,
    });

    this.#closed = new Promise((resolve) => source.once("close", resolve));
    this.#destroyChain = () => {
      for (const stage of [source, middle, sink]) stage.destroy();
    };
    pipeline(source, middle, sink, (error) => {
      if (error || this.destroyed) return;
      this.#counts.waitFor(undefined);
      this.#complete = true;
      if (isWatched("end")) publish("end", this, { metrics: this.metrics });
      this.handEnd();
    });
    // Not left to the pipeline's callback, which waits for a sink that may be waiting for a sleeping consumer.
    for (const stage of [source, middle, sink]) stage.on("error", (error: Error) => this.destroy(error));
  }

  /** What the stream has done: so far, and in all when it has ended or failed. Spark's own metrics come with the end. */
  get metrics(): StreamMetrics {
    return this.#counts.snapshot(this.#report);
  }

  /** Puts a batch into the Readable; says whether it has room for another. */
  protected abstract hand(batch: T, info: BatchInfo): boolean;

  /** Ends the Readable, after the last batch. */
  protected handEnd(): void {
    this.push(null);
  }

  /** Hands one batch on. Where the consumer is not ready for another, it gives a promise that settles when it is. */
  #deliver(batch: T, info: BatchInfo): Promise<void> | undefined {
    if (!this.#begun) return this.#nextWanted().then(() => this.#deliver(batch, info));
    this.#wanted = false;
    this.#counts.waitFor("consumer");
    this.#counts.rows += batch.numRows;
    this.#counts.batches++;
    if (this.hand(batch, info) || this.#wanted) return undefined;
    return this.#nextWanted();
  }

  #nextWanted(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWanted = resolve;
    });
  }

  override _read(): void {
    this.#begun = true;
    this.#wanted = true;
    this.#counts.waitFor("source");
    this.#onWanted?.();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#rejectSchema(
      error ?? new SparkStreamError("INVALID_INPUT", "The stream ended or was destroyed before its schema was known."),
    );
    if (!this.#complete) {
      this.#counts.waitFor(undefined);
      if (isWatched("error")) publish("error", this, { metrics: this.metrics, error });
    }
    this.#destroyChain();
    this.#onWanted?.();
    void this.#closed.then(() => callback(error));
  }
}
