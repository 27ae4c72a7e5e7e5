/**
 * The number of rows of a query, counted by Spark. It is read from an observed metric, a literal of the protocol: the
 * result's one row is Arrow data, which nothing here can read if the session has a compression codec set.
 */
import { tableFromIPC } from "apache-arrow";
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";
import { atMost, SETTLE_TIMEOUT, untilAborted } from "../../runtime/abort.js";
import type { Execution } from "../execution/execution.js";
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";

/** Unlike any that the query may have observed metrics by. */
const METRIC = "count of spark-arrow-stream";

/**
 * @param run starts the query of one row, the count; with a name, it observes the count as a metric of that name
 * @throws SparkStreamError INCOMPLETE_RESULT, UNSUPPORTED; QUERY_FAILED
 */
export async function countRows(
  run: (metric?: string) => Promise<Execution>,
  signal: AbortSignal | undefined,
): Promise<number> {
  try {
    return await read(await run(METRIC), signal);
  } catch (error) {
    // Sail has no observed metrics, and no codec either.
    if (!isRefusalWithoutClass(error)) throw error;
    return await read(await run(), signal);
  }
}

async function read(execution: Execution, signal: AbortSignal | undefined): Promise<number> {
  try {
    return await untilAborted(signal, countOf(execution));
  } finally {
    await atMost(SETTLE_TIMEOUT, execution.close());
  }
}

async function countOf(execution: Execution): Promise<number> {
  let observed: number | undefined;
  let data: Uint8Array | undefined;
  for (let response = await execution.next(); response; response = await execution.next()) {
    observed ??= observedIn(response);
    if (response.responseType.case === "arrowBatch") data ??= response.responseType.value.data;
  }
  if (observed !== undefined) return observed;
  if (data !== undefined) return countIn(data);
  throw new SparkStreamError("INCOMPLETE_RESULT", "The server ended the count without a result. Run it again.");
}

function observedIn({ observedMetrics }: ExecutePlanResponse): number | undefined {
  // By its place and not by its key, since Spark 3.5 sends no keys.
  const literal = observedMetrics.find(({ name }) => name === METRIC)?.values[0]?.literalType;
  return literal?.case === "long" ? Number(literal.value) : undefined;
}

/** For a server that sends no observed metrics. */
function countIn(data: Uint8Array): number {
  try {
    return Number(tableFromIPC(data).getChildAt(0)?.get(0));
  } catch (cause) {
    const message =
      "The server sends the count compressed, and no observed metrics. Unset spark.sql.execution.arrow.compression.codec.";
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}
