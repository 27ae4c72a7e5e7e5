/**
 * Counts the bytes of Arrow data that one chain holds, in all its stages. The row source takes no further row while
 * `limit` bytes or more are held, so a chain holds at most the limit and one row.
 */
export class ByteBudget {
  readonly limit: number;
  #held = 0;
  #waiting: (() => void) | undefined;

  constructor(limit: number) {
    this.limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  add(bytes: number): void {
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
    if (this.#held >= this.limit) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** Calls back, at once or later, when the chain holds less than the limit. One waiter at a time. */
  whenRoom(callback: () => void): void {
    if (this.#held < this.limit) callback();
    else this.#waiting = callback;
  }
}
