/** Runs a query and leaves its result in a store. */
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { onAbort, untilAborted } from "../../runtime/abort.js";
import { openStore } from "../../store/open-store.js";
import type { StoreResultOptions } from "../../stream-options.js";
import { ResultReport } from "../result/result-report.js";
import type { StoredPartition } from "./stored-file.js";
import { checkStoredResult, type StoredResult, storedResult } from "./stored-result.js";
import { Storing } from "./storing.js";

/** @throws SparkStreamError as the delivery "stored"; nothing is left then */
export async function storeFrame(dataFrame: DataFrame, options: StoreResultOptions): Promise<StoredResult> {
  const { session } = dataFrame;
  session.checkOpen();
  const stop = new AbortController();
  const storing = new Storing(dataFrame, { ...options, order: "partition", keep: true }, new ResultReport());
  let settled: Promise<unknown> = Promise.resolve();
  const end = async (reason: unknown) => {
    stop.abort(reason);
    await storing.close();
    await settled.catch(() => {});
  };
  const forget = session.beforeClose(() => end(sessionClosed()));
  const ended = session.client.trackRun(() => storing.remove());
  const { signal } = options;
  const unlisten = signal ? onAbort(signal, () => void end(signal.reason)) : () => {};
  const run = async () => {
    try {
      const partitions: StoredPartition[] = [];
      for await (const partition of storing.partitions(stop.signal)) partitions.push(partition);
      stop.signal.throwIfAborted();
      const { store, directory } = storing.place;
      return storedResult(store.uri, directory, storing.schema, partitions);
    } catch (error) {
      await storing.close();
      await storing.remove();
      throw stop.signal.aborted && !signal?.aborted ? stop.signal.reason : error;
    } finally {
      unlisten();
      ended();
      forget();
    }
  };
  const running = run();
  settled = running;
  session.client.trackStop(running.catch(() => {}));
  return await untilAborted(signal, running);
}

/** Removes a stored result. It may be gone already. @throws SparkStreamError INVALID_INPUT, STORE_FAILED */
export async function removeStored(result: StoredResult, { store: location }: { store?: StoreResultOptions["store"] }) {
  checkStoredResult(result);
  const store = await openStore(location ?? { uri: result.uri });
  try {
    await store.remove(result.directory);
  } catch (error) {
    const message = `${result.uri}/${result.directory} could not be removed: ${(error as Error).message}`;
    throw new SparkStreamError("STORE_FAILED", message, { cause: error });
  }
}
