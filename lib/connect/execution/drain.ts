/**
 * Drains the stream of a consumer that sleeps or is slow: the server ends each stream after some minutes and forgets the
 * result some minutes after that, so a stream that should have ended is read to its end, and the result is resumed.
 *
 * In: the responses of the execution. Out: the same, in order. Memory: SPOOL_MEMORY bytes of Arrow data, beyond that a
 * temporary file.
 */
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";
import { drainAfter, type StreamLimits } from "../rpc/stream-limits.js";
import { ResponseSpool, sizeOf } from "./response-spool.js";

/** What draining needs of an execution. */
export interface DrainedExecution {
  isRunning(): boolean;
  /** The next response from the server; see Execution. */
  pull(): Promise<ExecutePlanResponse | undefined>;
  /** Enters and leaves the state "draining". */
  setDraining(draining: boolean): void;
  /** Ends the execution on the server. */
  fail(): void;
  /** What the server allows a stream. Never rejects. */
  limits(): Promise<StreamLimits>;
  /** Bytes of a stream that can be in flight, besides the first response and the last. */
  mostInFlight(limits: StreamLimits): number;
}

/** ms after which a stream is looked at again; most have ended by then. */
const SOON = 500;
/**
 * Bytes that one drain takes beyond what can be in flight: a stream with more is alive. (Besides the first response, which
 * the transport holds, and the last, of which only the beginning may be in flight.)
 */
const DRAIN_MARGIN = 512 * 1024;
/** Bytes of drained responses in memory. */
const SPOOL_MEMORY = 16 * 1024 * 1024;

export class Drain {
  readonly #execution: DrainedExecution;
  readonly #spool = new ResponseSpool(SPOOL_MEMORY);
  /** Counts streams. */
  #attaches = 0;
  /** When the current stream was opened; ms, performance.now(). */
  #attachedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The drain that is under way. */
  #drained: Promise<void> | undefined;
  #consumerWaits = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(execution: DrainedExecution) {
    this.#execution = execution;
  }

  /** How long the current stream has been open, in ms. */
  get streamAge(): number {
    return performance.now() - this.#attachedAt;
  }

  /** A stream was opened, in the place of the one before. */
  attached(): void {
    this.#attaches++;
    this.#attachedAt = performance.now();
    this.#watch(SOON);
  }

  /** The next response: one that was drained, or else from the server. One call at a time. */
  async next(): Promise<ExecutePlanResponse | undefined> {
    if (this.#spool.length > 0) return await this.#spool.shift();
    this.#consumerWaits = true;
    try {
      if (this.#drained) await this.#drained; // at once, or with the response that it waits for
      if (this.#spool.length > 0) return await this.#spool.shift();
      if (this.#failure) throw this.#failure.error;
      return await this.#execution.pull();
    } finally {
      this.#consumerWaits = false;
    }
  }

  /** No drain begins any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Drops what was drained. Never rejects. */
  async close(): Promise<void> {
    await this.#drained;
    await this.#spool.close().catch(() => {});
  }

  /** The timer keeps no process alive. */
  #watch(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lookAfter(), delay).unref();
  }

  async #lookAfter(): Promise<void> {
    const attaches = this.#attaches;
    const limits = await this.#execution.limits();
    if (!this.#execution.isRunning() || attaches !== this.#attaches) return; // another stream has a timer of its own
    const left = drainAfter(limits) - this.streamAge;
    if (left > 0) return this.#watch(left);
    // A consumer that waits has taken everything; and only one drain runs at a time.
    if (this.#consumerWaits || this.#drained) return this.#watch(SOON);
    this.#drained = this.#drain(this.#execution.mostInFlight(limits) + DRAIN_MARGIN).finally(() => {
      this.#drained = undefined;
      if (this.#execution.isRunning() && attaches === this.#attaches)
        this.#watch(this.#consumerWaits ? SOON : drainAfter(limits));
    });
  }

  /** Takes what is in flight, until the stream has ended and a new one is open. A failure is kept for the consumer. */
  async #drain(bytes: number): Promise<void> {
    const attaches = this.#attaches;
    this.#execution.setDraining(true);
    try {
      for (let between = 0, last = 0, taken = 0; between < bytes && attaches === this.#attaches; taken++) {
        const response = await this.#execution.pull();
        if (!response) break;
        if (taken > 1) between += last;
        last = sizeOf(response);
        await this.#spool.push(response);
        if (this.#consumerWaits) break;
      }
    } catch (error) {
      this.#failure = { error };
      if (this.#execution.isRunning()) this.#execution.fail();
    }
    this.#execution.setDraining(false);
  }
}
