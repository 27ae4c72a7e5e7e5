/**
 * A Writable around a target: a derived class decides what becomes of a chunk. "finish" comes when the target is
 * committed; a writer that fails or is destroyed leaves nothing that looks finished.
 */
import { Writable, type WritableOptions } from "node:stream";
import { HeldError } from "../../runtime/held-error.js";
import { settle } from "../../runtime/settle.js";
import type { ByteTarget, Target } from "./byte-target.js";

export abstract class TargetWriter<T extends Target = ByteTarget> extends Writable {
  protected readonly target: T;
  readonly #held = new HeldError(this, () => this.#used || this.writableLength > 0 || this.writableEnded);
  #used = false;

  constructor(target: T, options: WritableOptions, signal?: AbortSignal) {
    super(options);
    this.target = target;
    if (signal) this.#held.failOnAbort(signal, (error) => this.#fail(error));
  }

  /** Settles when the target has room for more. */
  protected abstract take(chunk: unknown): Promise<void>;

  /** Writes the last bytes. */
  protected async finish(): Promise<void> {}

  override _construct(callback: Callback): void {
    const opened = this.destroyed || this.#held.error ? Promise.resolve() : this.open();
    settle(
      opened.catch((error: Error) => this.#fail(error)),
      callback,
    );
  }

  /** Before the first chunk. */
  protected open(): Promise<void> {
    return this.target.open((error) => this.#fail(error));
  }

  /** Ends the writer with an error that is not its user's. The target is let go of at once, whenever somebody gets the error. */
  #fail(error: Error): void {
    if (this.destroyed || this.#held.error) return;
    void this.target.abort(error);
    this.#held.fail(error);
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    this.#used = true;
    if (this.#held.error) callback(this.#held.error);
    else settle(this.take(chunk), callback);
  }

  override _final(callback: Callback): void {
    this.#used = true;
    if (this.#held.error) callback(this.#held.error);
    else
      settle(
        this.finish().then(() => this.target.commit()),
        callback,
      );
  }

  /** A stream that is being opened is destroyed later; and a pipeline that fails says so at once. */
  override destroy(error?: Error): this {
    const first = this.#held.firstOf(error);
    void this.target.abort(first ?? null);
    return super.destroy(first);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    settle(
      this.target.abort(error).then(() => {
        if (error) throw error;
      }),
      (failure) => {
        this.#held.release(failure ?? null);
        callback(failure);
      },
    );
  }
}

type Callback = (error?: Error | null) => void;
