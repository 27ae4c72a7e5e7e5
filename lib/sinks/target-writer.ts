/**
 * A Writable around a ByteTarget: what a chunk becomes is the business of who extends it. "finish" comes when the target is
 * committed; a writer that fails or is destroyed leaves nothing that looks finished.
 */
import { Writable, type WritableOptions } from "node:stream";
import type { ByteTarget } from "./byte-target.js";

export abstract class TargetWriter extends Writable {
  protected readonly target: ByteTarget;

  constructor(target: ByteTarget, options: WritableOptions) {
    super(options);
    this.target = target;
  }

  /** Settles when the target has room for more. */
  protected abstract take(chunk: unknown): Promise<void>;

  /** Writes the last bytes. */
  protected async finish(): Promise<void> {}

  override _construct(callback: Callback): void {
    settle(this.destroyed ? Promise.resolve() : this.open(), callback);
  }

  /** Before the first chunk. */
  protected open(): Promise<void> {
    return this.target.open((error) => this.destroy(error));
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    settle(this.take(chunk), callback);
  }

  override _final(callback: Callback): void {
    settle(
      this.finish().then(() => this.target.commit()),
      callback,
    );
  }

  /** A stream that is being opened is destroyed later; and a pipeline that fails tells so at once. */
  override destroy(error?: Error): this {
    void this.target.abort(error ?? null);
    return super.destroy(error);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    settle(
      this.target.abort(error).then(() => {
        if (error) throw error;
      }),
      callback,
    );
  }
}

type Callback = (error?: Error | null) => void;

/** Calls back outside of the promise, where an exception of somebody's listener is not taken for a rejection. */
function settle(promise: Promise<void>, callback: Callback): void {
  promise.then(
    () => process.nextTick(callback),
    (error: Error) => process.nextTick(callback, error),
  );
}
