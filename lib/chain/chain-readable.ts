/**
 * The chain inside one core Readable. In: a RowCursor. Out: what the decoder makes of its rows, as `hand` puts it into the
 * Readable. Memory: that of the chain; a batch counts until the consumer has taken it.
 */
import { Readable, type ReadableOptions } from "node:stream";
import type { Schema } from "apache-arrow";
import { isWatched, publish } from "../diagnostics.js";
import { SparkStreamError } from "../errors.js";
import { turn, turnIsDue } from "../event-loop.js";
import type { BatchInfo } from "./batch-info.js";
import type { Counted } from "./batch-sink.js";
import type { Chain, ChainOptions } from "./chain.js";
import { StreamCounts, type StreamMetrics } from "./stream-metrics.js";

export type ChainParts<T extends Counted> = Pick<ChainOptions<T>, "rows" | "readAheadBytes" | "loadDecoder">;

export abstract class ChainReadable<T extends Counted> extends Readable {
  /**
   * The schema, known before the first batch, and for an empty result too. Rejects with the stream's error if that comes
   * first.
   */
  readonly schema: Promise<Schema>;
  readonly #counts = new StreamCounts();
  readonly #parts: ChainParts<T>;
  #chain: Chain | undefined;
  #complete = false;
  #resolveSchema!: (schema: Schema) => void;
  #rejectSchema!: (error: Error) => void;
  /** Whether a consumer has come: nothing is handed on before. */
  #begun = false;
  #wanted = false;
  #onWanted: (() => void) | undefined;

  constructor(parts: ChainParts<T>, options: ReadableOptions) {
    super(options);
    this.#parts = parts;
    this.schema = new Promise((resolve, reject) => {
      this.#resolveSchema = resolve;
      this.#rejectSchema = reject;
    });
    this.schema.catch(() => {}); // whoever asks for it gets the error; whoever does not, gets it from the stream

    parts.rows.report?.watch((progress) => {
      if (this.listenerCount("progress") > 0) this.emit("progress", progress());
      if (isWatched("progress")) publish("progress", this, { progress: progress() });
    });
    publish("start", this);
  }

  override _construct(callback: (error?: Error | null) => void): void {
    import("./chain.js")
      .then(({ openChain }) => {
        if (!this.destroyed) this.#chain = openChain(this.#options());
      })
      .then(() => callback(), callback);
  }

  #options(): ChainOptions<T> {
    return {
      ...this.#parts,
      onSchema: (schema) => this.#resolveSchema(schema),
      deliver: (batch, info) => this.#deliver(batch, info),
      onRowDone: (row) => {
        this.#counts.bytes += row.arrow_ipc_bytes.length;
      },
      onEnd: () => this.#end(),
      onError: (error) => this.destroy(error),
    };
  }

  #end(): void {
    if (this.destroyed) return;
    this.#counts.waitFor(undefined);
    this.#complete = true;
    if (isWatched("end")) publish("end", this, { metrics: this.metrics });
    this.handEnd();
  }

  /** What the stream has done: so far, and in all when it has ended or failed. Spark's own metrics come with the end. */
  get metrics(): StreamMetrics {
    return this.#counts.snapshot(this.#parts.rows.report);
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
    if (turnIsDue()) return turn().then(() => this.#deliver(batch, info));
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
    this.#chain?.destroy();
    this.#onWanted?.();
    // One that was destroyed before it could begin has only its cursor to close.
    const closed = this.#chain?.closed ?? this.#parts.rows.close().catch(() => {});
    void closed.then(() => callback(error));
  }
}
