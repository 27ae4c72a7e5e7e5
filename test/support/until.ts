// Waiting for what happens, instead of for a time: a machine may be slow, and need not be.
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

/** Longer than anything takes that happens at all, in ms, however busy the machine is. */
const PATIENCE = 30_000;

/** Waits until a condition is true, and fails with what was waited for if it does not become true. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = PATIENCE): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); await sleep(5)) {
    if (performance.now() > end) throw new Error(`After ${ms} ms still not true: ${what}`);
  }
}

/**
 * Lets the event loop turn, for a test that nothing more happens: what is due in this process happens, and so does what its
 * own sockets to itself have received. What other threads and processes do has to be waited for by `until`.
 */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

/** Waits until a count is reached, and checks that it is not exceeded. */
export async function reaches(count: () => number, expected: number, what: string): Promise<void> {
  await until(() => count() >= expected, `${what}: ${expected}`).catch((error: Error) => {
    throw new Error(`${error.message}, but ${count()}`, { cause: error });
  });
  await turns();
  if (count() !== expected) throw new Error(`${what}: expected ${expected}, and then ${count()} came`);
}
