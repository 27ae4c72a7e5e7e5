import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";
import { SparkStreamError } from "../errors.js";

/** ms after which the lock of a killed process is ignored. */
const STALE = 20_000;
const RETRY = 300;

export interface InstallLockOptions {
  signal?: AbortSignal | undefined;
  /** Called once, if another process holds the lock. */
  onWait?: () => void;
}

/**
 * Runs `work` while holding the lock at `path`, which excludes other processes and other callers in this one. The
 * signal of `work` is aborted with the caller's, and also if the lock is lost: while a machine sleeps, another may take
 * it over.
 */
export async function withInstallLock<T>(
  path: string,
  options: InstallLockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const release = await acquire(path, options, (cause) => {
    const message = `The lock ${path} was taken over by another process during the installation. Try again.`;
    lost.abort(new SparkStreamError("INSTALL_FAILED", message, { cause }));
  });
  try {
    return await work(options.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal);
  } finally {
    await release().catch(() => {}); // a lost lock cannot be released
  }
}

async function acquire(path: string, options: InstallLockOptions, onCompromised: (error: Error) => void) {
  for (let waited = false; ; ) {
    options.signal?.throwIfAborted();
    try {
      return await lock(path, { lockfilePath: path, realpath: false, stale: STALE, update: 2_000, onCompromised });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    }
    if (!waited) options.onWait?.();
    waited = true;
    await sleep(RETRY, undefined, { ...(options.signal && { signal: options.signal }) }).catch(() => {});
  }
}
