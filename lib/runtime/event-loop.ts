/**
 * Lets the event loop turn, so that the rest of the program is not blocked. A stage that may work for long calls
 * {@link turnIsDue} between two pieces of work, and if it returns true, continues {@link afterTurn}. In between, timers
 * fire, sockets are read and other requests are answered.
 *
 * All stages of all streams share one budget per turn of the loop, since the sum of their work is what blocks others.
 * Waiting stages continue in order, one per turn of the loop. Memory: one callback per waiting stage.
 */
import { AsyncResource } from "node:async_hooks";

/**
 * ms of work in one turn of the event loop. A piece of work that begins just before the end may take as long again; the
 * loop still turns at least every 25 ms.
 */
const WORK_MS = 10;

/** When the work of this turn began; undefined if there was none yet. */
let since: number | undefined;
let scheduled = false;
const waiting: (() => void)[] = [];

/** Whether this turn's time is used up. Costs one reading of the clock. */
export function turnIsDue(): boolean {
  if (since !== undefined) return performance.now() - since >= WORK_MS;
  since = performance.now();
  schedule();
  return false;
}

/** Calls back when the event loop has turned, in the caller's asynchronous context. */
export function afterTurn(callback: () => void): void {
  waiting.push(AsyncResource.bind(callback));
  schedule();
}

/** Settles when the event loop has turned. */
export function turn(): Promise<void> {
  return new Promise(afterTurn);
}

/** Calls {@link turnIsDue} for work in many small pieces, at most every 32nd time if they are quick. */
export class Pace {
  #every = 1;
  #left = 1;
  #looked = 0;

  isDue(): boolean {
    if (--this.#left > 0) return false;
    const now = performance.now();
    const quick = now - this.#looked < 1;
    this.#looked = now;
    this.#every = quick ? Math.min(32, 2 * this.#every) : Math.max(1, this.#every >> 2);
    this.#left = this.#every;
    return turnIsDue();
  }
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(onTurn);
}

function onTurn(): void {
  scheduled = false;
  since = undefined;
  const next = waiting.shift();
  if (waiting.length > 0) schedule();
  next?.();
}
