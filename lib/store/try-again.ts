import { SparkStreamError } from "../errors.js";
import { pause } from "../runtime/abort.js";

/** Attempts that fail, one after the other, before the error is the caller's; 6 to 13 s of pauses in all. */
const TRIES = 8;
/** The most ms before the second of them; each later pause is twice as long. */
const FIRST_PAUSE = 100;

/** Calls again after an error, unless it is a SparkStreamError, which is final. @param signal ends it at once */
export async function tryAgain<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof SparkStreamError || tries === TRIES || signal?.aborted) throw error;
      // Half of it by chance: a store that is too busy should not hear from all its readers at once.
      await pause(FIRST_PAUSE * 2 ** (tries - 1) * (1 - Math.random() / 2), [signal]);
      signal?.throwIfAborted();
    }
  }
}
