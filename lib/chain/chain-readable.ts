/**
 * A Node core Readable around the chain. In: a RowCursor. Out: the decoded batches, which `hand` puts into the
 * Readable. Memory: that of the chain; a batch counts until the consumer has taken it.
 */
import { addAbortSignal, compose, type Duplex, Readable, type ReadableOptions } from "node:stream";
import type { Schema } from "apache-arrow";
import { isWatched, publish } from "../diagnostics.js";
import { SparkStreamError } from "../errors.js";
import { atMost, SETTLE_TIMEOUT } from "../runtime/abort.js";
import { behind, isComposable } from "../runtime/composable.js";
import { turn, turnIsDue } from "../runtime/event-loop.js";
import { HeldError, isRead, isTold } from "../runtime/held-error.js";
import type { Counted } from "./arrow-ipc-row.js";
import type { BatchInfo } from "./batch-info.js";
import type { Chain, ChainOptions } from "./chain.js";
import type { StreamListening } from "./stream-events.js";
import { StreamCounts, type StreamMetrics } from "./stream-metrics.js";

/** @internal */
export type ChainParts<T extends Counted> = Pick<ChainOptions<T>, "rows" | "readAheadBytes" | "loadDecoder">;

/** @typeParam Chunk what its consumer gets */
export abstract class ChainReadable<T extends Counted, Chunk = T> extends Readable {
  declare on: StreamListening<this, Chunk>;
  declare once: StreamListening<this, Chunk>;
  declare off: StreamListening<this, Chunk>;
  declare addListener: StreamListening<this, Chunk>;
  declare removeListener: StreamListening<this, Chunk>;
  declare prependListener: StreamListening<this, Chunk>;

  readonly #schema: Promise<Schema>;
  /** "asked": a caller has the promise, and so gets the error that it rejects with. */
  #schemaState: "unasked" | "asked" | "known" = "unasked";
  readonly #held = new HeldError(this, () => isRead(this));
  readonly #counts = new StreamCounts();
  readonly #parts: ChainParts<T>;
  #chain: Chain | undefined;
  #complete = false;
  #resolveSchema!: (schema: Schema) => void;
  #rejectSchema!: (error: Error) => void;
  /** Whether there is a consumer. Nothing is delivered before there is one. */
  #begun = false;
  #wanted = false;
  #onWanted: (() => void) | undefined;
  /** Settles when the source is closed; set as soon as the stream has failed or was destroyed. */
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: ChainParts<T>, options: ReadableOptions & { signal?: AbortSignal | undefined }) {
    const { signal, ...others } = options;
    super(others);
    this.#parts = parts;
    this.#schema = new Promise((resolve, reject) => {
      this.#resolveSchema = resolve;
      this.#rejectSchema = reject;
    });
    this.#schema.catch(() => {}); // if nobody asked for the schema, the stream reports the error

    parts.rows.report?.watch((progress) => {
      if (this.listenerCount("progress") > 0) this.emit("progress", progress());
      if (isWatched("progress")) publish("progress", this, { progress: progress() });
    });
    publish("start", this);
    if (signal) this.#held.failOnAbort(signal, (error) => this.#fail(error));
  }

  /**
   * The schema of the result. It is known before the first batch, and for an empty result too. Rejects with the
   * stream's error if the stream fails first.
   */
  get schema(): Promise<Schema> {
    if (this.#schemaState === "unasked") this.#schemaState = "asked";
    this.#tellIfAsked();
    return this.#schema;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    void import("./chain.js")
      .then(({ openChain }) => {
        if (!this.destroyed && !this.#closed) this.#chain = openChain(this.#options());
      })
      .catch((error: Error) => this.#fail(error))
      .then(() => callback());
  }

  #options(): ChainOptions<T> {
    return {
      ...this.#parts,
      onSchema: (schema) => {
        this.#schemaState = "known";
        this.#resolveSchema(schema);
      },
      deliver: (batch, info) => this.#deliver(batch, info),
      onRowDone: (row) => {
        this.#counts.bytes += row.arrow_ipc_bytes.length;
      },
      onEnd: () => this.#end(),
      onError: (error) => this.#fail(error),
    };
  }

  /** Ends the stream with an error of its source. The source is freed at once, even if the error is delivered later. */
  #fail(error: Error): void {
    if (this.destroyed || this.#held.error) return;
    void this.#stop(error);
    this.#held.fail(error);
    this.#tellIfAsked();
  }

  #tellIfAsked(): void {
    if (this.#held.error && this.#schemaState === "asked") this.#held.tell(this.#held.error);
  }

  #end(): void {
    if (this.#closed) return;
    const missing = this.missingAtEnd();
    if (missing) {
      this.#fail(missing);
      return;
    }
    this.#counts.waitFor(undefined);
    this.#complete = true;
    if (isWatched("end")) publish("end", this, { metrics: this.metrics });
    this.handEnd();
  }

  /** The stream's metrics: so far, or in total once it has ended or failed. Spark's own metrics arrive at the end. */
  get metrics(): StreamMetrics {
    return this.#counts.snapshot(this.#parts.rows.report);
  }

  /** @internal Puts a batch into the Readable and returns whether it has room for another. */
  protected abstract hand(batch: T, info: BatchInfo): boolean;

  /** @internal The error that makes the end a failure although the source ended normally, if there is one. */
  protected missingAtEnd(): Error | undefined {
    return undefined;
  }

  /** @internal Ends the Readable after the last batch. */
  protected handEnd(): void {
    this.push(null);
  }

  /** Delivers one batch. If the consumer is not ready for another, it returns a promise that settles when it is. */
  #deliver(batch: T, info: BatchInfo): Promise<void> | undefined {
    if (this.#closed) return undefined;
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

  override read(size?: number): ReturnType<Readable["read"]> {
    // Not read(0), which is how Node itself asks for more.
    if (this.#held.error && size !== 0) this.destroy(this.#held.error);
    return super.read(size);
  }

  /** The compose() of any Readable. Its type depends on the installed version of @types/node. */
  declare compose: Readable["compose"];

  static {
    // Returns a Duplex, as Node does from 24 on. Earlier versions wrap it in a second Readable, which this stream can't
    // reach.
    const value = function (
      this: ChainReadable<Counted>,
      ...[stream, options]: Parameters<Readable["compose"]>
    ): Duplex {
      const before = this.listenerCount("error");
      const composed = isComposable(stream) ? stream[behind](this) : compose(this, stream as NodeJS.ReadWriteStream);
      // An error of this stream waits for a consumer of the composed stream, which reads from the start.
      this.#held.composed(composed, this.listenerCount("error") - before);
      if (options?.signal) addAbortSignal(options.signal, composed);
      return composed;
    };
    Object.defineProperty(ChainReadable.prototype, "compose", { value, writable: true, configurable: true });
  }

  override destroy(error?: Error): this {
    return super.destroy(this.#held.firstOf(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // If stopping takes longer, for example because the server does not answer, it continues in the background.
    void atMost(SETTLE_TIMEOUT, this.#stop(error)).then(() => {
      this.#held.release(error);
      callback(error);
    });
  }

  /**
   * Disposes of the stream. If the error was delivered before, it is not thrown again, wrapped in a SuppressedError.
   */
  override async [Symbol.asyncDispose](): Promise<void> {
    const { errored } = this;
    const told = errored !== null && isTold(errored);
    await super[Symbol.asyncDispose]().catch((error: unknown) => {
      if (!told || error !== errored) throw error;
    });
  }

  /** Frees everything the source holds. @returns a promise that settles when that is done */
  #stop(error: Error | null): Promise<void> {
    if (this.#closed) return this.#closed;
    this.#rejectSchema(
      error ?? new SparkStreamError("INVALID_INPUT", "The stream ended or was destroyed before its schema was known."),
    );
    if (!this.#complete) {
      this.#counts.waitFor(undefined);
      if (isWatched("error")) publish("error", this, { metrics: this.metrics, error });
    }
    // A stream that was stopped before it began has only its cursor to close.
    this.#closed = this.#chain?.closed ?? this.#parts.rows.close().catch(() => {});
    this.#chain?.destroy();
    this.#onWanted?.();
    return this.#closed;
  }
}
