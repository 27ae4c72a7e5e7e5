/**
 * Something that runs once and that several may wait for, each with a signal of its own. It starts with the first of them,
 * and is aborted when the last has given up; its result, or error, is the answer for all, also for those that come later.
 */
import { AbortError, untilAborted } from "./abort.js";
import type { RunOptions } from "./call-options.js";

export class SharedRun<T> {
  readonly #start: (options: RunOptions & { signal: AbortSignal }) => Promise<T>;
  readonly #stop = new AbortController();
  #run: Promise<T> | undefined;
  #settled = false;
  #waiting = 0;

  /** @param start gets the tags of the first who waits */
  constructor(start: (options: RunOptions & { signal: AbortSignal }) => Promise<T>) {
    this.#start = start;
  }

  /** Whether the last who waited for it gave up. */
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
