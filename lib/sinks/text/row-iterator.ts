/**
 * The iterator of `for await` over a Readable of rows. Core's own is an async generator, whose promises take longer than to
 * make a row. In, what the Readable has buffered; out, the same, with a turn of the event loop now and then, which a
 * consumer of buffered rows would not leave to others. Holds nothing.
 */
import { finished, type Readable } from "node:stream";
import { Pace, turn, turnIsDue } from "../../runtime/event-loop.js";

type Row = Record<string, unknown>;
type Result = IteratorResult<Row, undefined>;

export class RowIterator implements NodeJS.AsyncIterator<Row> {
  readonly #stream: Readable;
  readonly #pace = new Pace();
  /** The `next()` that waits; those that are called meanwhile come after it. */
  #waiting: Promise<Result> | undefined;
  #wake = () => {};
  /** Undefined: the stream goes on. Null: it has ended. */
  #outcome: Error | null | undefined;
  #left = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("readable", () => this.#wake());
    finished(stream, { writable: false }, (error) => {
      this.#outcome = error ?? null;
      this.#wake();
    });
  }

  next(): Promise<Result> {
    if (!this.#waiting && !this.#pace.isDue()) {
      const row = this.#take();
      if (row !== null) return Promise.resolve({ done: false, value: row });
    }
    const waiting = this.#nextAfter(this.#waiting);
    const over = () => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    };
    this.#waiting = waiting;
    waiting.then(over, over);
    return waiting;
  }

  /** Leaves the loop: the stream is destroyed, and the query with it. */
  return(): Promise<Result> {
    this.#left = true;
    this.#stream.destroy();
    this.#wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(): Row | null {
    return this.#left || this.#stream.destroyed ? null : (this.#stream.read() as Row | null);
  }

  async #nextAfter(before: Promise<Result> | undefined): Promise<Result> {
    await before?.catch(() => {});
    if (turnIsDue()) await turn();
    for (;;) {
      const row = this.#take();
      if (row !== null) return { done: false, value: row };
      if (this.#left || this.#outcome === null) return { done: true, value: undefined };
      if (this.#outcome) {
        this.#left = true;
        throw this.#outcome;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
