/** The settings of a session that decide how Spark sends a type. */
import { tableFromIPC } from "apache-arrow";
import { untilAborted } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import type { Execution } from "../execution/execution.js";
import { isRefusal } from "../rpc/refusal.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";

export interface ArrowSettings {
  readonly timeZone: string;
  readonly largeVarTypes: boolean;
}

const TIME_ZONE = "spark.sql.session.timeZone";
const LARGE_VAR_TYPES = "spark.sql.execution.arrow.useLargeVarTypes";

/** @throws SparkStreamError, as any call */
export async function arrowSettings(client: SparkConnectClient, options: RunOptions): Promise<ArrowSettings> {
  const keys = [TIME_ZONE, LARGE_VAR_TYPES];
  try {
    const pairs = await client.config({ case: "getOption", value: { keys } }, { signal: options.signal });
    const [timeZone = "UTC", largeVarTypes] = keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
    return { timeZone, largeVarTypes: largeVarTypes === "true" };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { timeZone: await currentTimeZone(client, options), largeVarTypes: false };
  }
}

/** By a query, for a hosted server that shows no settings. */
async function currentTimeZone(client: SparkConnectClient, options: RunOptions): Promise<string> {
  const query = { relType: { case: "sql" as const, value: { query: "SELECT current_timezone()" } } };
  const execution = client.execution({ opType: { case: "root", value: query } }, options);
  try {
    return await untilAborted(options.signal, firstValue(execution));
  } finally {
    await execution.close();
  }
}

async function firstValue(execution: Execution): Promise<string> {
  let value = "UTC";
  for (let response = await execution.next(); response; response = await execution.next()) {
    if (response.responseType.case !== "arrowBatch") continue;
    value = String(tableFromIPC(response.responseType.value.data).getChildAt(0)?.get(0) ?? value);
  }
  return value;
}
