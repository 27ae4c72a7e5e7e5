/**
 * A run shared by several callers, each with its own signal. It starts with the first caller, and is aborted when the
 * last one has given up. All callers get its result or error, including later ones.
 */
import { AbortError, untilAborted } from "./abort.js";
import type { RunOptions } from "./call-options.js";

export class SharedRun<T> {
  readonly #start: (options: RunOptions & { signal: AbortSignal }) => Promise<T>;
  readonly #stop = new AbortController();
  #run: Promise<T> | undefined;
  #settled = false;
  #waiting = 0;

  /** @param start gets the tags of the first caller */
  constructor(start: (options: RunOptions & { signal: AbortSignal }) => Promise<T>) {
    this.#start = start;
  }

  /** Whether all callers have given up. */
  get abandoned(): boolean {
    return this.#stop.signal.aborted;
  }

  async wait({ signal, tags }: RunOptions): Promise<T> {
    if (signal?.aborted) throw new AbortError(signal);
    this.#run ??= this.#begin(tags);
    this.#waiting++;
    try {
      return await untilAborted(signal, this.#run);
    } finally {
      this.#waiting--;
      if (this.#waiting === 0 && !this.#settled) this.#stop.abort();
    }
  }

  #begin(tags: RunOptions["tags"]): Promise<T> {
    const run = this.#start({ tags, signal: this.#stop.signal });
    const settled = () => {
      this.#settled = true;
    };
    run.then(settled, settled);
    return run;
  }
}
