/**
 * A Writable as the target of a sink. In, bytes; out, the same in the Writable, which is ended at commit and destroyed
 * with the error at abort. Holds the bytes of one write, and what the Writable buffers.
 *
 * Back pressure, early ends and the special cases (process.stdout is not ended) are pipeline's.
 */
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SparkStreamError } from "../errors.js";
import type { ByteTarget } from "./byte-target.js";

export class StreamTarget implements ByteTarget {
  readonly #target: Writable;
  readonly #source: Readable;
  #state: "new" | "open" | "committed" | "aborted" = "new";
  #done: Promise<void> = Promise.resolve();
  /** The write that waits for room. */
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(target: Writable) {
    this.#target = target;
    // 0 bytes: _read is called when the target has taken everything, not before.
    this.#source = new Readable({ highWaterMark: 0, read: () => this.#waiting?.resolve() });
  }

  async open(onFailure: (error: Error) => void): Promise<void> {
    if (this.#target.destroyed || this.#target.writableEnded) {
      throw failed(this.#target.errored ?? new Error("it has ended or was destroyed before"));
    }
    this.#state = "open";
    this.#done = pipeline(this.#source, this.#target).catch((cause: Error) => {
      const error = failed(cause);
      this.#waiting?.reject(error);
      if (this.#state === "open") onFailure(error);
      throw error;
    });
    this.#done.catch(() => {}); // commit() gets it
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#source.destroyed) await this.#done;
    if (bytes.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#source.push(bytes);
    });
    this.#waiting = undefined;
  }

  async commit(): Promise<void> {
    this.#source.push(null);
    await this.#done;
    this.#state = "committed";
  }

  async abort(error: Error | null): Promise<void> {
    const before = this.#state;
    if (before === "new" || before === "open") this.#state = "aborted";
    if (before === "open") this.#source.destroy(error ?? undefined); // and pipeline destroys the target
    if (before === "new" && !this.#target.destroyed) {
      this.#target.once("error", () => {}); // as pipeline: whoever wrote has the error
      this.#target.destroy(error ?? new Error("the writer was destroyed before it began"));
    }
    await this.#done.catch(() => {});
  }
}

function failed(cause: Error): SparkStreamError {
  return new SparkStreamError("WRITE_FAILED", `The target stream failed: ${cause.message}.`, { cause });
}
