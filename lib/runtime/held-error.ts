/**
 * Holds a stream's error while the stream has no consumer. Node would emit 'error' without a listener, which ends the
 * process. Instead the error waits:
 *
 *     there is a consumer        the stream is destroyed with the error, like any stream
 *     there is no consumer       the error is held: `errored` shows it, and the stream is not destroyed
 *     a consumer appears         the stream is destroyed with the error, one tick later
 *     no consumer ever appears   a process warning after 10 s, or when the process has nothing else to do
 *
 * Destroying the stream at once is not an alternative: until Node 22, `Readable.toWeb()` treats a failed stream as
 * empty.
 *
 * Memory: besides its stream, a waiting error is kept for at most 10 s.
 */
import type { Readable, Writable } from "node:stream";
import { AbortError, onAbort } from "./abort.js";

/** ms without a consumer until the warning. */
const WARN_AFTER_MS = 10_000;

export class HeldError {
  readonly #stream: Readable | Writable;
  readonly #inUse: () => boolean;
  #error: Error | undefined;
  #told = false;
  #composed: Composed | undefined;
  #forgetSignal: (() => void) | undefined;

  /** @param inUse whether the stream has a consumer, even one without a listener for 'error' */
  constructor(stream: Readable | Writable, inUse: () => boolean) {
    this.#stream = stream;
    this.#inUse = inUse;
  }

  /** The error that waits for a consumer. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Destroys the stream with an error of its own: now, or as soon as there is a consumer. */
  fail(error: Error): void {
    if (this.#stream.destroyed || this.#error) return;
    if (this.#attended()) {
      this.#stream.destroy(error);
      return;
    }
    this.#error = error;
    this.#forgetSignal?.();
    Object.defineProperty(this.#stream, "errored", { value: error, configurable: true });
    this.#stream.on("newListener", this.#onNewListener);
    this.#composed?.stream.on("newListener", this.#onNewListener);
    warnLater(error);
  }

  /**
   * To be called after `compose()`, which reads at once, even if nobody reads the composed stream. From then on the
   * consumer of the composed stream counts. `listeners` is the number of compose's own listeners for 'error'.
   */
  composed(stream: Readable, listeners: number): void {
    this.#composed = { stream, listeners, ownListeners: stream.listenerCount("error") };
    keepQuiet(this.#composed);
  }

  /**
   * Returns the error for the stream's `destroy`: the waiting error, since it was first. The caller of `destroy` has no
   * use for it, so there is no warning.
   */
  firstOf(error: Error | undefined): Error | undefined {
    if (this.#error && error !== this.#error) markTold(this.#error);
    return this.#error ?? error;
  }

  /** To be called if the user received the error elsewhere. Then 'close' may be emitted without a consumer. */
  tell(error: Error): void {
    markTold(error);
    this.#told = true;
    if (this.#error) this.#deliver();
  }

  /** Calls `fail` with an AbortError when the signal is aborted. The one who aborts knows, so there is no warning. */
  failOnAbort(signal: AbortSignal, fail: (error: Error) => void): void {
    this.#forgetSignal = onAbort(signal, () => {
      const error = new AbortError(signal);
      markTold(error);
      fail(error);
    });
  }

  /** To be called by the stream's `_destroy` just before it calls back, which emits 'error' if there is one. */
  release(error: Error | null): void {
    this.#forgetSignal?.();
    this.#stream.off("newListener", this.#onNewListener);
    this.#composed?.stream.off("newListener", this.#onNewListener);
    if (!error) return;
    if (this.#attended()) markTold(error);
    else this.#stream.on("error", () => {});
  }

  #attended(): boolean {
    const listeners = this.#stream.listenerCount("error");
    if (!this.#composed) return listeners > 0 || this.#inUse();
    return listeners > this.#composed.listeners || hasConsumer(this.#composed);
  }

  readonly #onNewListener = (event: string | symbol) => {
    // One tick later this listener is attached, and so are others added with it.
    if (arrivals.has(event)) process.nextTick(() => this.#deliver());
  };

  #deliver(): void {
    if (this.#attended() || (this.#told && this.#stream.listenerCount("close") > 0)) this.#stream.destroy(this.#error);
  }
}

/** A stream that compose() made, and the number of 'error' listeners that compose() added to both streams. */
interface Composed {
  readonly stream: Readable;
  /** Those on the original stream. */
  readonly listeners: number;
  /** Those on the composed stream. */
  readonly ownListeners: number;
}

function hasConsumer({ stream, ownListeners }: Composed): boolean {
  return stream.listenerCount("error") > ownListeners || isRead(stream);
}

/**
 * Keeps an error of the composed stream, such as that of rows(), from ending the process: Node's stream can't hold it.
 */
function keepQuiet(composed: Composed): void {
  const { stream } = composed;
  const destroy = stream._destroy;
  stream._destroy = (error, callback) =>
    destroy.call(stream, error, (failure) => {
      if (failure && hasConsumer(composed)) markTold(failure);
      else if (failure) {
        stream.on("error", () => {});
        warnLater(failure);
      }
      callback(failure);
    });
}

/** Whether the stream has a reader, even one without a listener for 'error'. */
export function isRead(stream: Readable): boolean {
  return stream.readableFlowing === true || stream.listenerCount("readable") > 0;
}

/** Events whose listeners may belong to a consumer of the stream. */
const arrivals: ReadonlySet<string | symbol> = new Set(["error", "data", "readable", "close"]);

const told = new WeakSet<Error>();
/** The errors to warn of. An error shared by several streams gives one warning. */
const untold = new Map<Error, NodeJS.Timeout>();

/** Whether a user has received this error, from any stream. */
export function isTold(error: Error): boolean {
  return told.has(error);
}

function markTold(error: Error): void {
  told.add(error);
  clearTimeout(untold.get(error));
  if (untold.delete(error) && untold.size === 0) process.off("beforeExit", warnOfAll);
}

function warnLater(error: Error): void {
  if (told.has(error) || untold.has(error)) return;
  if (untold.size === 0) process.on("beforeExit", warnOfAll);
  untold.set(error, setTimeout(warnOf, WARN_AFTER_MS, error).unref());
}

function warnOfAll(): void {
  for (const error of [...untold.keys()]) warnOf(error);
}

function warnOf(error: Error): void {
  markTold(error);
  const { code = error.name } = error as { code?: string };
  process.emitWarning(`A stream failed, and nothing received the error: ${error.message} [${code}]`, {
    type: "SparkStreamWarning",
    code: "UNSEEN_ERROR",
    detail: "Read the stream, await its schema, or listen for 'error'. A later consumer still receives the error.",
  });
}
