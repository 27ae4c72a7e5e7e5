/**
 * A Writable as the target of a sink. In, bytes; out, the same in the Writable, which is ended at commit and destroyed
 * with the error at abort. Holds the bytes of one write, and what the Writable buffers.
 *
 * Back pressure, early ends and the special cases (process.stdout is not ended) are pipeline's, which begins with the first
 * byte: until then the target is only watched, and an HTTP response whose status can still be chosen is left to whoever
 * catches the error.
 */
import { finished, Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SparkStreamError } from "../../errors.js";
import type { ByteTarget } from "./byte-target.js";

/** ms after an abort for a response to be answered. Then it is destroyed, so that its client does not wait for ever. */
const GRACE = 5_000;

export class StreamTarget implements ByteTarget {
  readonly #target: Writable;
  readonly #source: Readable;
  #state: "new" | "watched" | "piped" | "committed" | "aborted" = "new";
  #onFailure!: (error: Error) => void;
  #stopWatching: (() => void) | undefined;
  #done: Promise<void> = Promise.resolve();
  /** The write that waits for room. */
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(target: Writable) {
    this.#target = target;
    // 0 bytes: _read is called when the target has taken everything, not before.
    this.#source = new Readable({ highWaterMark: 0, read: () => this.#waiting?.resolve() });
  }

  async open(onFailure: (error: Error) => void): Promise<void> {
    const target = this.#target;
    if (target.destroyed) throw target.errored ? failed(target.errored) : closed("it had already been destroyed");
    if (target.writableEnded) throw failed(new Error("it had already ended"));
    this.#state = "watched";
    this.#onFailure = onFailure;
    this.#stopWatching = finished(target, { readable: false }, (cause) => {
      this.#fail(failed(cause ?? new Error("other code ended it")));
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#source.destroyed) await this.#done;
    if (bytes.length === 0) return;
    this.#pipe();
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#source.push(bytes);
    });
    this.#waiting = undefined;
  }

  async commit(): Promise<void> {
    this.#pipe();
    this.#source.push(null);
    await this.#done;
    this.#state = "committed";
  }

  async abort(error: Error | null): Promise<void> {
    const before = this.#state;
    if (before === "new" || before === "watched" || before === "piped") this.#state = "aborted";
    if (before === "piped") this.#source.destroy(error ?? undefined); // and pipeline destroys the target
    if (before === "new" || before === "watched") this.#abandon(error ?? new Error("the writer was destroyed"));
    await this.#done.catch(() => {});
  }

  #pipe(): void {
    if (this.#state !== "watched") return;
    this.#stopWatching?.();
    this.#state = "piped";
    this.#done = pipeline(this.#source, this.#target).catch((cause: Error) => {
      const error = failed(cause);
      this.#fail(error);
      throw error;
    });
    this.#done.catch(() => {}); // commit() gets it
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    if (this.#state !== "watched" && this.#state !== "piped") return;
    this.#onFailure(error);
  }

  /** Before the first byte. */
  #abandon(error: Error): void {
    this.#source.destroy();
    this.#done = Promise.reject(error);
    this.#done.catch(() => {});
    this.#stopWatching?.();
    const target = this.#target;
    target.on("error", () => {}); // as pipeline: whoever wrote has the error
    if (target.destroyed) return;
    if (canBeAnswered(target)) setTimeout(() => canBeAnswered(target) && target.destroy(error), GRACE).unref();
    else target.destroy(error);
  }
}

/** Whether the Writable is an HTTP response of which nothing has been sent. */
function canBeAnswered(target: Writable): boolean {
  return (target as { headersSent?: boolean }).headersSent === false && !target.writableEnded && !target.destroyed;
}

/** What a Writable fails with when its other end has gone, of pipes, sockets, core streams and HTTP/2. */
const gone: ReadonlySet<string | undefined> = new Set([
  "EPIPE",
  "ECONNRESET",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_DESTROYED",
  "ERR_HTTP2_INVALID_STREAM",
]);

function failed(cause: NodeJS.ErrnoException): SparkStreamError {
  if (gone.has(cause.code)) return closed(cause.message, cause);
  return new SparkStreamError("WRITE_FAILED", `The target stream failed: ${cause.message}.`, { cause });
}

function closed(why: string, cause?: Error): SparkStreamError {
  const message = `The target stream was closed before everything was written: ${why}.`;
  return new SparkStreamError("TARGET_CLOSED", message, cause && { cause });
}
