/** A result that stays in a store, as functions: stored by one process, and read and removed by any. */
import { isDataFrame } from "./connect/session/is-dataframe.js";
import type { DataFrame } from "./connect/session/session.js";
import type { StoredResult } from "./delivery/stored/stored-result.js";
import { SparkStreamError } from "./errors.js";
import {
  checkRemoveResult,
  checkStoreResult,
  type RemoveResultOptions,
  type StoreResultOptions,
} from "./stream-options.js";

/**
 * Runs a query and leaves its result in a store, as Arrow IPC files. Resolves to plain JSON that says where they are, from which
 * `sparkStream()` and `splitSparkStream()` read it in any process, without Spark. The files stay until `removeResult()`.
 *
 * @throws SparkStreamError as `sparkStream()` with `delivery: "stored"`: INVALID_ARGUMENT, STORE_FAILED, QUERY_FAILED and others.
 *   Nothing is left in the store then.
 */
export async function storeResult(source: DataFrame, options: StoreResultOptions): Promise<StoredResult> {
  checkStoreResult("storeResult()", options);
  if (!isDataFrame(source)) throw new SparkStreamError("INVALID_INPUT", "storeResult() needs a DataFrame.");
  const { storeFrame } = await import("./delivery/stored/store-result.js");
  return await storeFrame(source, options);
}

/**
 * Removes a stored result's files from its store. They may be gone already.
 *
 * @throws SparkStreamError INVALID_ARGUMENT; INVALID_INPUT for something else than a stored result; STORE_FAILED
 */
export async function removeResult(result: StoredResult, options: RemoveResultOptions = {}): Promise<void> {
  checkRemoveResult("removeResult()", options);
  const { isStoredResult } = await import("./delivery/stored/stored-result.js");
  if (!isStoredResult(result)) throw new SparkStreamError("INVALID_INPUT", "removeResult() needs a stored result.");
  const { removeStored } = await import("./delivery/stored/store-result.js");
  await removeStored(result, options);
}
