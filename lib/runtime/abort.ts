/**
 * Handles AbortSignals. Node 20 warns of a leak if a signal has more than ten listeners, and one signal may stop any
 * number of streams and calls. So each signal gets one listener here, however many callbacks wait for it.
 */

/** The most time, in ms, until a stopped stream or call ends here, whatever the server does. */
export const SETTLE_TIMEOUT = 1_000;

/** The error of an aborted call: the same as that of Node's own streams, which do not export theirs. */
export class AbortError extends Error {
  readonly code = "ABORT_ERR";

  /** @param signal its reason becomes the `cause` */
  constructor(signal: AbortSignal) {
    super("The operation was aborted", { cause: signal.reason });
    this.name = "AbortError";
  }
}

interface Waiting {
  readonly callbacks: Set<{ readonly call: () => void }>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal is aborted; at once if it is already.
 *
 * @returns unregisters it
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  if (signal.aborted) {
    call();
    return () => {};
  }
  const { callbacks, listener } = waiting.get(signal) ?? listen(signal);
  const callback = { call };
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0 || waiting.get(signal)?.callbacks !== callbacks) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

function listen(signal: AbortSignal): Waiting {
  const callbacks: Waiting["callbacks"] = new Set();
  const listener = () => {
    waiting.delete(signal);
    for (const { call } of callbacks) call();
  };
  signal.addEventListener("abort", listener, { once: true });
  const entry = { callbacks, listener };
  waiting.set(signal, entry);
  return entry;
}

/** Settles like the promise, or rejects with an AbortError as soon as the signal is aborted. */
export async function untilAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return await promise;
  let forget = () => {};
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(new AbortError(signal)));
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    forget();
  }
}

/**
 * Resolves when the promise has settled, or after `ms`. Never rejects.
 *
 * @param keepsProcess whether a process with nothing else to do waits, too
 */
export async function atMost(ms: number, promise: Promise<unknown>, keepsProcess = true): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    if (!keepsProcess) timer.unref();
  });
  await Promise.race([promise.then(nothing, nothing), late]);
  clearTimeout(timer);
}

/** Resolves after `ms`, or as soon as one of the signals is aborted. @param keepsProcess as in atMost() */
export async function pause(
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
  keepsProcess = true,
): Promise<void> {
  const forget: (() => void)[] = [];
  const aborted = new Promise<void>((resolve) => {
    for (const signal of signals) if (signal) forget.push(onAbort(signal, resolve));
  });
  await atMost(ms, aborted, keepsProcess);
  for (const each of forget) each();
}

function nothing(): void {}
