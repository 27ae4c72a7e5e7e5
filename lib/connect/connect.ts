import { SparkStreamError } from "../errors.js";
import type { LocalSparkOptions } from "../local/index.js";
import { checkArgument, checkOptions, flag, isBag, type OptionTable, text } from "../options.js";
import { Endpoint, type EndpointOptions, endpointOptions } from "./endpoint.js";
import type { SparkSession } from "./session.js";
import { PROGRESS_CONF } from "./stop-point.js";

export interface ConnectOptions extends EndpointOptions {
  /** For `connect("local")`: how to start the local Spark. */
  local?: Omit<LocalSparkOptions, "master">;
  /**
   * Whether SIGINT, SIGTERM and SIGHUP interrupt what this session runs before they end the process, if the program has no
   * listener of its own for them. Default: true.
   */
  handleSignals?: boolean;
}

const connectOptions: OptionTable<ConnectOptions> = {
  ...endpointOptions,
  // Checked by startLocalSpark, where it is used.
  local: [isBag, "an object of options"],
  handleSignals: flag,
};

const LOCAL = /^local(\[(\*|\d+)(,\d+)?\])?$/;

/** ms that the first call may take. */
const CONNECT_TIMEOUT = 15_000;

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
  const { local: localOptions, handleSignals = true, ...others } = options;
  if (!LOCAL.test(target)) return await open(new Endpoint(target, others), handleSignals);

  // Loaded here, since most users have a server.
  const { startLocalSpark } = await import("../local/index.js");
  const master = target === "local" ? "local[*]" : target;
  const local = await startLocalSpark({ ...localOptions, master });
  const endpoint = new Endpoint(local.url, { ...others, token: local.token });
  return await open(endpoint, handleSignals, () => local.close());
}

async function open(endpoint: Endpoint, handleSignals: boolean, onClose?: () => Promise<void>): Promise<SparkSession> {
  // Loaded here, since gRPC and what is generated for it take longer to load than all the rest.
  const [{ SparkSession }, { Client }, { defaultRetryPolicy }] = await Promise.all([
    import("./session.js"),
    import("./client.js"),
    import("./retry.js"),
  ]);
  const client = new Client(endpoint, handleSignals);
  const session = new SparkSession(client, onClose);
  try {
    const policy = { ...defaultRetryPolicy, maxRetries: 2 };
    const pairs = Object.entries(PROGRESS_CONF).map(([key, value]) => ({ key, value }));
    // Silently: a server that does not know it goes without. The settings of a session that is joined are not ours.
    const set = { case: "set" as const, value: { pairs, silent: true } };
    const get = { case: "getOption" as const, value: { keys: Object.keys(PROGRESS_CONF) } };
    await client.config(endpoint.sessionId === undefined ? set : get, { timeoutMs: CONNECT_TIMEOUT, policy });
    // Its answer is needed later; how long it takes tells how far away the server is, from the first stream on.
    await client.limits();
    return session;
  } catch (error) {
    const wantsTls =
      error instanceof SparkStreamError &&
      (error.code === "UNAVAILABLE" || error.code === "UNSUPPORTED") &&
      client.endpoint.tls === false &&
      (await speaksTls(client.endpoint));
    await session.abandon();
    if (!wantsTls) throw error;
    const message = `The server at ${client.endpoint.address} speaks TLS. Add ;use_ssl=true to the URL, or connect(url, { tls: true }).`;
    throw new SparkStreamError("TLS_FAILED", message, { cause: error });
  }
}

/** gRPC cannot tell a server that wants TLS from one that is not there; a handshake can. */
async function speaksTls({ host, port }: Endpoint): Promise<boolean> {
  const tls = await import("node:tls");
  return await new Promise((resolve) => {
    const socket = tls.connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"], timeout: 2_000 });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("secureConnect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}
