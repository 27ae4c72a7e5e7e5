// How long the event loop was held up, counted so that a busy machine makes no difference: in a time that stands still
// unless the test moves it, or in CPU time.

export interface Observed {
  /** ms between two turns of the event loop, at the most. */
  readonly longest: number;
  /** How often it turned. */
  readonly turns: number;
}

/** Watches the event loop turn while `work` goes on. */
export async function observed(now: () => number, work: () => Promise<unknown>): Promise<Observed> {
  let turns = 0;
  let longest = 0;
  let last = now();
  const look = () => {
    const time = now();
    longest = Math.max(longest, time - last);
    last = time;
  };
  const tick = () => {
    look();
    turns++;
    immediate = setImmediate(tick);
  };
  let immediate = setImmediate(tick);
  try {
    await work();
  } finally {
    clearImmediate(immediate);
    look();
  }
  return { longest, turns };
}

/** ms of CPU time of this process. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** In the place of `performance.now()` while `work` goes on: a clock that the test moves. */
export async function withClock<T>(work: (clock: { ms: number }) => Promise<T>): Promise<T> {
  const clock = { ms: performance.now() };
  Object.defineProperty(performance, "now", { configurable: true, value: () => clock.ms });
  try {
    return await work(clock);
  } finally {
    Reflect.deleteProperty(performance, "now");
  }
}
