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
import { Endpoint, type EndpointOptions, endpointOptions } from "../rpc/endpoint.js";
import type { Opening } from "./open-session.js";
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
   * Whether `close()` leaves the session on the server as it is, for others that join it by its id: what this client runs is
   * stopped, and nothing else. Such a session ends when somebody closes it without this option, or after an idle hour (the
   * server's spark.connect.session.manager.defaultSessionTimeout). Default: false.
   */
  keepSession?: boolean;
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
  keepSession: flag,
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
  const { local: localOptions, handleSignals, keepSession, connectTimeoutMs, ...others } = options;
  const opening = { handleSignals, keepSession, connectTimeoutMs };
  if (!localMaster[0](target)) return await open(new Endpoint(target, others), opening);

  if (keepSession) {
    const message = `Option "keepSession" of connect() needs a server of its own: the Spark of connect(${JSON.stringify(target)}) ends with its session.`;
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  // Loaded here, since most users have a server.
  const { startLocalSpark } = await import("../../local/index.js");
  const master = target === "local" ? "local[*]" : target;
  const local = await startLocalSpark({ ...localOptions, master });
  const endpoint = new Endpoint(local.url, { ...others, token: local.token }, true);
  return await open(endpoint, opening, () => local.close());
}

async function open(endpoint: Endpoint, opening: Opening, onClose?: () => Promise<void>): Promise<SparkSession> {
  // Loaded here, since gRPC and its generated code take longer to load than all the rest.
  // One after the other: they share most of what they load, which Jest cannot load twice at a time.
  const { openSession } = await import("./open-session.js");
  const { results } = await import("../../results.js");
  return await openSession(endpoint, results, opening, onClose);
}
