// Waiting for what happens, instead of for a time. Where a time is the subject, it is this process's own: what a busy machine
// withholds from it does not count.
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

/** Longer than anything takes that happens at all, in ms. */
const PATIENCE = 30_000;
const TICK = 10;
/** Kept, for tests that replace the clock. */
const clock = performance.now.bind(performance);

/** Time that this process has had: of a longer pause between two ticks, only as much as two ticks count. */
class OwnTime {
  /** ms */
  elapsed = 0;
  #last = clock();

  tick(): void {
    const now = clock();
    this.elapsed += Math.min(now - this.#last, 2 * TICK);
    this.#last = now;
  }
}

/** Waits until a condition is true, and fails with what was waited for if it does not become true. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = PATIENCE): Promise<void> {
  for (const time = new OwnTime(); !(await holds()); time.tick()) {
    if (time.elapsed > ms) throw new Error(`After ${ms} ms still not true: ${what}`);
    await sleep(TICK);
  }
}

/** Waits until a check passes. Fails with what the check says if it does not pass within this time (ms). */
export async function within(ms: number, check: () => void): Promise<void> {
  for (const time = new OwnTime(); ; time.tick()) {
    try {
      return check();
    } catch (error) {
      if (time.elapsed > ms) throw error;
      await sleep(TICK);
    }
  }
}

/** How long a promise takes to settle, in ms of this process's own time: for an upper bound. */
export async function ownTimeOf(promise: Promise<unknown>): Promise<number> {
  const time = new OwnTime();
  const timer = setInterval(() => time.tick(), TICK);
  await promise.catch(() => {});
  clearInterval(timer);
  return time.elapsed;
}

/** The value of a promise, or a failure with what was waited for. For what would otherwise take for ever. */
export async function inTime<T>(promise: Promise<T>, what: string, ms = PATIENCE): Promise<T> {
  const tooLate = new AbortController();
  const late = sleep(ms, undefined, { signal: tooLate.signal }).then(() => {
    throw new Error(`Not within ${ms} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    tooLate.abort();
  }
}

/**
 * Lets the event loop turn, to see that nothing more happens: what is due in this process happens, and so does what its own
 * sockets to itself have received. What other threads and processes do has to be waited for by `until`.
 */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

/** Waits until a count is reached, and checks that it is not exceeded. */
export async function reaches(count: () => number, expected: number, what: string): Promise<void> {
  await until(() => count() >= expected, `${what}: ${expected}`);
  await turns();
  if (count() !== expected) throw new Error(`${what}: ${count()} where ${expected} were expected`);
}

/** Waits until a value does not change any more, for this many ms of this process's own time, and returns it. */
export async function still<T>(read: () => T | Promise<T>, ms = 100): Promise<T> {
  let value = await read();
  for (let time = new OwnTime(); time.elapsed < ms; time.tick()) {
    await sleep(TICK);
    const now = await read();
    if (now === value) continue;
    value = now;
    time = new OwnTime();
  }
  return value;
}
