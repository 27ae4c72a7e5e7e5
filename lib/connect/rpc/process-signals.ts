/**
 * A signal that ends this process would leave what it runs on the cluster. So while something runs, it is stopped first, and
 * then the signal takes its course.
 *
 *   something runs   signal                               doing
 *   no                                                    no listener is there: Node does what it always does
 *   yes              the program has a listener for it    nothing: the program decides
 *   yes              it has none                          all is stopped, in STOP_GRACE_MS at most; then the process ends by it
 *   yes              a second one meanwhile               the process ends by it at once
 *
 * Node delivers signals to the main thread only.
 */
import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { atMost } from "../../runtime/abort.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

/** ms. */
const STOP_GRACE_MS = 1_000;

/** Known to other copies of this package: their listeners do not count as the program's own. */
const mark = Symbol.for("spark-arrow-stream.signalListener");

type Stop = () => Promise<unknown>;

const running = new Set<{ readonly stop: Stop }>();
let ending = false;

const listener = Object.assign((signal: Signal) => void onSignal(signal), { [mark]: true });

/**
 * Something runs that has to be stopped before a signal ends this process.
 *
 * @param stop must not report it to anybody: an error would end the process otherwise than by the signal
 * @returns to be called when it does not run any more
 */
export function stopOnSignal(stop: Stop): () => void {
  if (!isMainThread) return () => {};
  const entry = { stop };
  running.add(entry);
  // First in line, since a listener that is called once would be gone, and not be seen, when it was called before.
  if (running.size === 1) for (const signal of SIGNALS) process.prependListener(signal, listener);
  return () => {
    if (running.delete(entry) && running.size === 0) unlisten();
  };
}

async function onSignal(signal: Signal): Promise<void> {
  if (hasOwnListener(signal)) return;
  if (ending) return end(signal);
  ending = true;
  await atMost(STOP_GRACE_MS, Promise.allSettled([...running].map(({ stop }) => stop())));
  end(signal);
}

function end(signal: Signal): void {
  running.clear();
  unlisten();
  ending = false;
  try {
    process.kill(process.pid, signal);
    // Without listeners this ends the process. Any that are left are called from the event loop, which stays alive until then.
    setTimeout(() => {}, STOP_GRACE_MS);
  } catch {
    process.exit(128 + constants.signals[signal]); // Windows cannot send a SIGHUP
  }
}

function unlisten(): void {
  for (const signal of SIGNALS) process.removeListener(signal, listener);
}

/** Besides the listeners of the package signal-exit, which many others use: they act only if no other one is left. */
function hasOwnListener(signal: Signal): boolean {
  return process.listeners(signal).filter((each) => !(mark in each)).length > signalExitListeners();
}

function signalExitListeners(): number {
  const version3 = (process as { __signal_exit_emitter__?: { count?: number } }).__signal_exit_emitter__;
  const version4 = (globalThis as { [emitter: symbol]: { count?: number } | undefined })[
    Symbol.for("signal-exit emitter")
  ];
  return (version3?.count ?? 0) + (version4?.count ?? 0);
}
