import { SparkStreamError } from "../../errors.js";
import type { LocalSparkOptions } from "../../local/index.js";
import {
  checkArgument,
  checkOptions,
  flag,
  INT_MAX,
  isBag,
  localMaster,
  type OptionTable,
  text,
  whole,
} from "../../runtime/check-options.js";
import { PROGRESS_CONF } from "../execution/stop-point.js";
import { Endpoint, type EndpointOptions, endpointOptions } from "../rpc/endpoint.js";
import { isRefusal } from "../rpc/refusal.js";
import type { SparkSession } from "./session.js";

export interface ConnectOptions extends EndpointOptions {
  /** For `connect("local")`: how to start the local Spark. */
  local?: Omit<LocalSparkOptions, "master">;
  /**
   * Whether SIGINT, SIGTERM and SIGHUP interrupt what this session runs before they end the process, if the program has no
   * listener of its own for them. Default: true.
   */
  handleSignals?: boolean;
  /**
   * ms to wait for a server that is not there yet, such as a cluster that takes minutes to start. Default: 15 s for an
   * answer, and a server that cannot be reached is given up at once.
   */
  connectTimeoutMs?: number;
}

const connectOptions: OptionTable<ConnectOptions> = {
  ...endpointOptions,
  // Checked by startLocalSpark, where it is used.
  local: [isBag, "an object of options"],
  handleSignals: flag,
  connectTimeoutMs: whole(1, INT_MAX, "milliseconds"),
};

/**
 * A session on a Spark Connect server, which has answered a first call when this resolves.
 *
 * @param url `sc://host[:port]/;key=value;…`, or `local` (`local[4]`) for a Spark of one's own that is installed on first
 *   use and ends with the session. Default: the environment's SPARK_REMOTE.
 * @throws SparkStreamError INVALID_URL, INVALID_ARGUMENT, UNAVAILABLE, TLS_FAILED, UNAUTHENTICATED, PERMISSION_DENIED or
 *   UNSUPPORTED; for a local Spark also the codes that `startLocalSpark` names
 */
export async function connect(url?: string, options: ConnectOptions = {}): Promise<SparkSession> {
  if (url !== undefined) checkArgument("connect()", "url", url, text);
  checkOptions("connect()", options, connectOptions);
  const target = url ?? process.env.SPARK_REMOTE;
  if (!target) {
    const message = 'connect() needs a URL: sc://host:15002, or "local"; or set SPARK_REMOTE in the environment.';
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  const { local: localOptions, handleSignals = true, connectTimeoutMs, ...others } = options;
  const opening = { handleSignals, connectTimeoutMs };
  if (!localMaster[0](target)) return await open(new Endpoint(target, others), opening);

  // Loaded here, since most users have a server.
  const { startLocalSpark } = await import("../../local/index.js");
  const master = target === "local" ? "local[*]" : target;
  const local = await startLocalSpark({ ...localOptions, master });
  const endpoint = new Endpoint(local.url, { ...others, token: local.token }, true);
  return await open(endpoint, opening, () => local.close());
}

interface Opening {
  readonly handleSignals: boolean;
  readonly connectTimeoutMs: number | undefined;
}

async function open(
  endpoint: Endpoint,
  { handleSignals, connectTimeoutMs }: Opening,
  onClose?: () => Promise<void>,
): Promise<SparkSession> {
  // Loaded here, since gRPC and its generated code take longer to load than all the rest.
  const [{ results }, { SparkSession }, { SparkConnectClient }, { firstAnswer }] = await Promise.all([
    import("../../results.js"),
    import("./session.js"),
    import("../rpc/spark-connect-client.js"),
    import("../rpc/first-answer.js"),
  ]);
  const client = new SparkConnectClient(endpoint, handleSignals);
  const session = new SparkSession(client, results, onClose);
  try {
    const pairs = Object.entries(PROGRESS_CONF).map(([key, value]) => ({ key, value }));
    // Silently: a server that does not know it goes without. The settings of a session that is joined are not ours.
    const set = { case: "set" as const, value: { pairs, silent: true } };
    const get = { case: "getOption" as const, value: { keys: Object.keys(PROGRESS_CONF) } };
    const first = endpoint.sessionId === undefined ? set : get;
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
