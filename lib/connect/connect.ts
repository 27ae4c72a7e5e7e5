import { inspect } from "node:util";
import { SparkStreamError } from "../errors.js";
import type { LocalSparkOptions } from "../local/index.js";
import { Endpoint, type EndpointOptions } from "./endpoint.js";
import type { SparkSession } from "./session.js";

export interface ConnectOptions extends EndpointOptions {
  /** For `connect("local")`: how to start the local Spark. */
  local?: Omit<LocalSparkOptions, "master">;
  /**
   * ms to wait for a server that is not there yet, such as a cluster that takes minutes to start. Default: 15 s for an
   * answer, and a server that cannot be reached is given up at once.
   */
  connectTimeoutMs?: number;
}

const LOCAL = /^local(\[(\*|\d+)(,\d+)?\])?$/;

/** How often Spark tells of a query's progress; two seconds by default, too late for a stop that waits for a job. */
const PROGRESS_KEY = "spark.connect.progress.reportInterval";
const PROGRESS_INTERVAL = "200ms";

/**
 * A session on a Spark Connect server, which has answered a first call when this resolves.
 *
 * @param url `sc://host[:port]/;key=value;…`, or `local` (`local[4]`) for a Spark of one's own that is installed on first
 *   use and ends with the session. Default: the environment's SPARK_REMOTE.
 * @throws SparkStreamError INVALID_URL, INVALID_ARGUMENT, UNAVAILABLE, TLS_FAILED, UNAUTHENTICATED, PERMISSION_DENIED or
 *   UNSUPPORTED; for a local Spark also the codes that `startLocalSpark` names
 */
export async function connect(url?: string, options: ConnectOptions = {}): Promise<SparkSession> {
  const target = url ?? process.env.SPARK_REMOTE;
  if (!target) {
    const message = 'connect() needs a URL: sc://host:15002, or "local"; or set SPARK_REMOTE in the environment.';
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  const { local: localOptions, connectTimeoutMs, ...endpointOptions } = options;
  checkTimeout(connectTimeoutMs);
  if (!LOCAL.test(target)) return await open(new Endpoint(target, endpointOptions), connectTimeoutMs);

  // Loaded here, since most users have a server.
  const { startLocalSpark } = await import("../local/index.js");
  const master = target === "local" ? "local[*]" : target;
  const local = await startLocalSpark({ ...localOptions, master });
  const endpoint = new Endpoint(local.url, { ...endpointOptions, token: local.token });
  return await open(endpoint, connectTimeoutMs, () => local.close());
}

async function open(
  endpoint: Endpoint,
  connectTimeoutMs?: number,
  onClose?: () => Promise<void>,
): Promise<SparkSession> {
  // Loaded here, since gRPC and what is generated for it take longer to load than all the rest.
  const [{ SparkSession }, { firstAnswer }] = await Promise.all([import("./session.js"), import("./first-answer.js")]);
  const session = new SparkSession(endpoint, onClose);
  const { client } = session;
  try {
    const pairs = [{ key: PROGRESS_KEY, value: PROGRESS_INTERVAL }];
    // Silently: a server that does not know it goes without.
    await firstAnswer(endpoint, connectTimeoutMs, (call) =>
      client.config({ case: "set", value: { pairs, silent: true } }, call),
    );
    // Its answer is needed later; how long it takes tells how far away the server is, from the first stream on.
    await client.limits();
    return session;
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

/** @throws SparkStreamError INVALID_ARGUMENT */
function checkTimeout(ms: number | undefined): void {
  if (ms === undefined || (typeof ms === "number" && ms > 0 && ms < 2 ** 31)) return;
  const message = `connectTimeoutMs must be a number of milliseconds above 0, and not ${inspect(ms)}.`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
