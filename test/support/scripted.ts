// What the tests on the scripted server have in common.
import { type RecordBatch, tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { type ConnectOptions, connect, type SparkSession, SparkStreamError } from "../../lib/index.js";
import { type ScriptedServer, type ScriptedServerOptions, startScriptedServer } from "../../lib/testing/index.js";

export { ownTimeOf, within } from "./until.js";

/** Batches of a column `id` that counts on from 0, with so many rows each. */
export function idBatches(...sizes: number[]): RecordBatch[] {
  let next = 0;
  return sizes.map((size) => {
    const id = BigInt64Array.from({ length: size }, () => BigInt(next++));
    return tableFromArrays({ id }).batches[0]!;
  });
}

/** The ids of a stream of such batches, as far as it comes; and the error that it ends with. */
export async function idsOf(batches: AsyncIterable<RecordBatch>): Promise<{ ids: number[]; error?: SparkStreamError }> {
  const ids: number[] = [];
  try {
    for await (const batch of batches) ids.push(...Array.from(batch.getChildAt(0)!, Number));
    return { ids };
  } catch (error) {
    return { ids, error: sparkStreamError(error) };
  }
}

/** 0, 1, 2, … */
export function countTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

/** The error that this rejects with, which must be one of ours. */
export async function errorOf(promise: Promise<unknown>): Promise<SparkStreamError> {
  return await promise.then(
    () => expect.fail("should have failed"),
    (error) => sparkStreamError(error),
  );
}

export function sparkStreamError(error: unknown): SparkStreamError {
  if (!(error instanceof SparkStreamError)) throw error;
  return error;
}

/** How long a promise takes to settle, in ms by the clock: for a lower bound. An upper one would need a quiet machine. */
export async function timeOf(promise: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await promise.catch(() => {});
  return performance.now() - start;
}

/** A scripted server with a session on it, both of which end with the scope. */
export async function scripted(
  options: ScriptedServerOptions,
  connectOptions?: ConnectOptions,
): Promise<{ server: ScriptedServer; spark: SparkSession } & AsyncDisposable> {
  const server = await startScriptedServer(options);
  const spark = await connect(server.url, connectOptions).catch(async (error) => {
    await server.close();
    throw error;
  });
  return {
    server,
    spark,
    async [Symbol.asyncDispose]() {
      await spark.close();
      await server.close();
    },
  };
}
