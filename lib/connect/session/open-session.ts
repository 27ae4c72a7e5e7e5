/** Opens a session on a server. */
import { PROGRESS_CONF } from "../execution/stop-point.js";
import type { Endpoint } from "../rpc/endpoint.js";
import { firstAnswer } from "../rpc/first-answer.js";
import { isRefusal } from "../rpc/refusal.js";
import { type ClientOptions, SparkConnectClient } from "../rpc/spark-connect-client.js";
import type { Results } from "./results.js";
import { SparkSession } from "./session.js";

export interface Opening extends ClientOptions {
  /** ms; see ConnectOptions. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Resolves when the server has answered a first call. */
export async function openSession(
  endpoint: Endpoint,
  results: Results,
  { connectTimeoutMs, ...clientOptions }: Opening,
  onClose?: () => Promise<void>,
): Promise<SparkSession> {
  const client = new SparkConnectClient(endpoint, clientOptions);
  const session = new SparkSession(client, results, onClose);
  try {
    const pairs = Object.entries(PROGRESS_CONF).map(([key, value]) => ({ key, value }));
    // Silently: a server that does not know it goes without. The settings of a session that is joined are not ours.
    const set = { case: "set" as const, value: { pairs, silent: true } };
    const get = { case: "getOption" as const, value: { keys: Object.keys(PROGRESS_CONF) } };
    const first = client.mayExist ? get : set;
    await firstAnswer(endpoint, connectTimeoutMs, (call) => client.config(first, call)).catch(async (error) => {
      if (!isRefusal(error)) throw error;
      // A hosted server may refuse all settings. If it answers another call, a session is possible without them.
      await client.version().catch(() => Promise.reject(error));
    });
    // Its answer is needed later; how long it takes shows how far away the server is, from the first stream on.
    await client.limits();
    return session;
  } catch (error) {
    await session.abandon();
    throw error;
  }
}
