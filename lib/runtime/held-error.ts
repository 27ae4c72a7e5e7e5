/**
 * What a stream does with an error while nobody is there to receive it. Node would emit 'error' without a listener, which
 * ends the process. Here the error waits:
 *
 *     somebody is there      the stream is destroyed with the error, as any stream
 *     nobody is there        the error is held: `errored` shows it, and the stream stays as it is
 *     somebody comes         the stream is destroyed with it, one tick later
 *     nobody comes           a process warning after 10 s, or when the process has nothing else to do
 *
 * A destroyed stream would not do instead: until Node 22, `Readable.toWeb()` takes one that failed for an empty one.
 *
 * Memory: an error that waits is kept for 10 s at most, besides by its stream.
 */
import type { Readable, Writable } from "node:stream";
import { AbortError, onAbort } from "./abort.js";

/** After this many ms without a consumer there is a warning. */
const WARN_AFTER_MS = 10_000;

export class HeldError {
  readonly #stream: Readable | Writable;
  readonly #inUse: () => boolean;
  #error: Error | undefined;
  #told = false;
  #composed: Composed | undefined;
  #forgetSignal: (() => void) | undefined;

  /** @param inUse whether somebody works with the stream, even without a listener for 'error' */
  constructor(stream: Readable | Writable, inUse: () => boolean) {
    this.#stream = stream;
    this.#inUse = inUse;
  }

  /** The error that waits for somebody. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Destroys the stream with an error of its own: now, or as soon as somebody is there. */
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
   * `compose()` reads at once, whether or not anybody reads the composed stream: from now on it is that stream's consumer who
   * must be there. `listeners` for 'error' are compose's own.
   */
  composed(stream: Readable, listeners: number): void {
    this.#composed = { stream, listeners, ownListeners: stream.listenerCount("error") };
    keepQuiet(this.#composed);
  }

  /**
   * What the stream's `destroy` is to end it with: the error that waits, since it came first. Whoever destroys a stream has
   * no use for its error, and needs no warning.
   */
  firstOf(error: Error | undefined): Error | undefined {
    if (this.#error && error !== this.#error) markTold(this.#error);
    return this.#error ?? error;
  }

  /** The stream's user has learnt of the error elsewhere. Then 'close' may be emitted without a consumer. */
  tell(error: Error): void {
    markTold(error);
    this.#told = true;
    if (this.#error) this.#deliver();
  }

  /** Calls `fail` with an AbortError when the signal is aborted. Whoever aborts knows of it, and needs no warning. */
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
    // A tick later the listener is there, and so are those that came with it.
    if (arrivals.has(event)) process.nextTick(() => this.#deliver());
  };

  #deliver(): void {
    if (this.#attended() || (this.#told && this.#stream.listenerCount("close") > 0)) this.#stream.destroy(this.#error);
  }
}

/** A stream that compose() made, with the listeners for 'error' that compose() added to both. */
interface Composed {
  readonly stream: Readable;
  /** At the stream that was composed. */
  readonly listeners: number;
  /** At the composed stream. */
  readonly ownListeners: number;
}

function hasConsumer({ stream, ownListeners }: Composed): boolean {
  return stream.listenerCount("error") > ownListeners || isRead(stream);
}

/** The composed stream is Node's own and cannot hold an error, that of rows() for one; but it need not end the process. */
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

/** Whether somebody reads, be it without a listener for 'error'. */
export function isRead(stream: Readable): boolean {
  return stream.readableFlowing === true || stream.listenerCount("readable") > 0;
}

/** Events whose listeners may be those of somebody who consumes the stream. */
const arrivals: ReadonlySet<string | symbol> = new Set(["error", "data", "readable", "close"]);

const told = new WeakSet<Error>();
/** Those to warn of. One error of several streams is one warning. */
const untold = new Map<Error, NodeJS.Timeout>();

/** Whether somebody has this error, from whichever stream. */
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
