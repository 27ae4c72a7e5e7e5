import { randomUUID } from "node:crypto";
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";
import { pythonVersion } from "../python/python-function.js";
import { isUnimplemented } from "../rpc/refusal.js";
import type { Capabilities } from "./capabilities.js";
import type { SparkSession } from "./session.js";

/**
 * Tries what a server may lack, each by something small: some jobs of one row, and a checkpoint of one row.
 *
 * @throws SparkStreamError if the server cannot be reached; AbortError
 */
export async function findCapabilities(session: SparkSession, signal: AbortSignal | undefined): Promise<Capabilities> {
  const options = { signal };
  const [version, limits, interrupt, staged, pythonFunctions, query] = await Promise.all([
    session.version(options),
    session.client.limits(),
    isThere(session.client.interrupt({ tag: randomUUID() }, options)),
    isThere(makeCheckpoint(session, signal)),
    isThere(pythonVersion(session.range(1), { name: "capabilities()", instead: "it without" }, options)),
    tryQuery(session, signal),
  ]);
  const { compression, chunking: chunks } = limits;
  return { version, staged, pythonFunctions, compression, chunks, interrupt, ...query };
}

/** Whether a call succeeds; false if the server does not know it. */
async function isThere(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (isLacking(error)) return false;
    throw error;
  }
}

function isLacking(error: unknown): boolean {
  if (isRefusalWithoutClass(error) || isUnimplemented(error)) return true;
  if (!(error instanceof SparkStreamError)) return false;
  // Spark says of a message that it does not know that it is invalid, and a site may forbid functions and checkpoints.
  return error.code === "UNSUPPORTED" || error.code === "QUERY_FAILED" || error.code === "PERMISSION_DENIED";
}

/** A local checkpoint of one row, removed again. @throws SparkStreamError */
async function makeCheckpoint({ client }: SparkSession, signal: AbortSignal | undefined): Promise<void> {
  const relation = { relType: { case: "range" as const, value: { end: 1n, step: 1n, numPartitions: 1 } } };
  const checkpoint = { case: "checkpointCommand" as const, value: { relation, local: true, eager: false } };
  const answers = await client.command({ opType: { case: "command", value: { commandType: checkpoint } } }, { signal });
  const made = answers.find(({ responseType }) => responseType.case === "checkpointCommandResult")?.responseType;
  const kept = made?.case === "checkpointCommandResult" ? made.value.relation : undefined;
  if (!kept) throw new SparkStreamError("UNSUPPORTED", "The server made no checkpoint.");
  const remove = { case: "removeCachedRemoteRelationCommand" as const, value: { relation: kept } };
  await client.command({ opType: { case: "command", value: { commandType: remove } } }, { signal });
}

/** What comes beside the rows of a query. */
async function tryQuery(
  session: SparkSession,
  signal: AbortSignal | undefined,
): Promise<Pick<Capabilities, "progress" | "observe">> {
  const plain = session.range(1);
  try {
    return await responsesOf(plain.observe("capabilities", "count(1) AS rows"), signal);
  } catch (error) {
    if (!isLacking(error)) throw error;
    return await responsesOf(plain, signal);
  }
}

async function responsesOf(
  dataFrame: ReturnType<SparkSession["range"]>,
  signal: AbortSignal | undefined,
): Promise<Pick<Capabilities, "progress" | "observe">> {
  const execution = await dataFrame.execution({ signal });
  let [progress, observe] = [false, false];
  try {
    for (let next = await execution.next(); next; next = await execution.next()) {
      progress ||= next.responseType.case === "executionProgress";
      observe ||= next.observedMetrics.length > 0;
    }
  } finally {
    await execution.close();
  }
  return { progress, observe };
}
