/**
 * How many bytes of Arrow data one chain holds, whichever stage they are in. The row source takes no further row while
 * `limit` or more are held, so a chain holds at most the limit and one row.
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

  /** Calls back, at once or later, when less than the limit is held. One waiter at a time. */
  whenRoom(callback: () => void): void {
    if (this.#held < this.limit) callback();
    else this.#waiting = callback;
  }
}
