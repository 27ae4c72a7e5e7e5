/**
 * A store each of whose calls ends. A call that brings nothing for `timeoutMs` is given up with an error, like one whose
 * connection was lost. A read that fails is repeated by its reader, from where it stopped (file-bytes.ts); any other call here.
 */
import { onAbort, untilAborted } from "../runtime/abort.js";
import type { ReadableStore, Store, StoreExecutors, StoreRange } from "./store.js";
import { tryAgain } from "./try-again.js";

/** ms without a byte, or without an answer. */
export const STORE_TIMEOUT = 30_000;
/** So many times as long may a call take that goes over many files: to list, to remove. */
const LONG = 20;

export class TimedReads implements ReadableStore {
  readonly uri: string;
  readonly #store: ReadableStore;
  protected readonly timeout: number;

  constructor(store: ReadableStore) {
    this.uri = store.uri;
    this.#store = store;
    this.timeout = store.timeoutMs ?? STORE_TIMEOUT;
  }

  /** The time is that of each chunk, and does not run while the reader does something else. */
  async *open(path: string, range: StoreRange): AsyncGenerator<Uint8Array> {
    const read = new AbortController();
    const forget = onAbort(range.signal, () => read.abort(range.signal.reason));
    const step = <T>(promise: T | Promise<T>) => untilAborted(range.signal, inTime(promise, this.timeout, "sent"));
    let chunks: AsyncIterator<Uint8Array> | undefined;
    try {
      const opened = await step(this.#store.open(path, { ...range, signal: read.signal }));
      chunks = opened[Symbol.asyncIterator]();
      for (let next = await step(chunks.next()); !next.done; next = await step(chunks.next())) yield next.value;
    } finally {
      forget();
      read.abort();
      // Not waited for: a store that heeds no signal may be waiting for bytes.
      chunks?.return?.().catch(() => {});
    }
  }
}

export class TimedStore extends TimedReads implements Store {
  readonly executors: StoreExecutors;
  readonly #store: Store;

  constructor(store: Store) {
    super(store);
    this.executors = store.executors;
    this.#store = store;
  }

  list(): Promise<readonly string[]> {
    return repeated(() => this.#store.list(), LONG * this.timeout, "listed");
  }

  remove(directory: string): Promise<void> {
    return repeated(() => this.#store.remove(directory), LONG * this.timeout, "removed");
  }

  async create(directory: string): Promise<void> {
    await repeated(async () => this.#store.create?.(directory), this.timeout, "made");
  }
}

/** Calls again after an error. @param ms for all attempts together */
async function repeated<T>(call: () => Promise<T>, ms: number, done: string): Promise<T> {
  const stop = new AbortController();
  try {
    return await inTime(tryAgain(call, stop.signal), ms, done);
  } finally {
    stop.abort();
  }
}

/** @param done what the store should have done */
async function inTime<T>(promise: T | Promise<T>, ms: number, done: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the store has ${done} nothing for ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
