/**
 * The HTTP proxy on the way to a server: which one, if any, and whether it lets through. The variables are those of gRPC
 * (grpc_proxy, https_proxy, http_proxy; no_grpc_proxy, no_proxy); which of them hold for a server is decided here and not
 * in grpc-js, which takes a proxy for loopback addresses as well and says nothing of one that fails.
 */
import { request } from "node:http";
import { BlockList, isIP, type Socket } from "node:net";
import { SparkStreamError } from "../../errors.js";
import { isLoopback } from "./loopback.js";

export interface HttpProxy {
  /** host:port, without the user. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** user:password, if the proxy's URL has them. */
  readonly credentials: string | undefined;
  /** The environment variable that it was named by. */
  readonly variable: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PROXY = ["grpc_proxy", "https_proxy", "http_proxy"] as const;
const NO_PROXY = ["no_grpc_proxy", "no_proxy"] as const;
/** ms for a proxy to answer. */
const TIMEOUT = 5_000;

/**
 * The proxy that the environment names for a server; undefined if it is to be reached directly. A server on this machine
 * always is: a proxy elsewhere cannot reach it, and would see data that was meant to stay here.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for a variable that does not name an HTTP proxy
 */
export function proxyFor(host: string, env: Environment = process.env): HttpProxy | undefined {
  const variable = PROXY.find((name) => env[name]);
  if (variable === undefined || isLoopback(host)) return undefined;
  const exceptions = NO_PROXY.map((name) => env[name]).find((value) => value);
  if (exceptions?.split(",").some((entry) => matches(host, entry.trim().toLowerCase()))) return undefined;
  return parse(variable, env[variable]!);
}

function parse(variable: string, text: string): HttpProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.hostname === "") {
    throw new SparkStreamError(
      "INVALID_ARGUMENT",
      `The environment variable ${variable} does not name a proxy that gRPC can use. Its form is http://host:port. To connect ` +
        "without a proxy, add the server's host to no_grpc_proxy.",
    );
  }
  return {
    address: `${url.hostname}:${url.port || 80}`,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 80),
    credentials: credentialsOf(url),
    variable,
  };
}

function credentialsOf({ username, password }: URL): string | undefined {
  if (!username) return undefined;
  const encoded = password ? `${username}:${password}` : username;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** As curl reads an entry of no_proxy: "*", a host, a domain with all below it, an address, or a block of addresses. */
function matches(host: string, entry: string): boolean {
  if (entry === "") return false;
  const domain = entry.replace(/^\*?\./, "");
  if (entry === "*" || host === domain || host.endsWith(`.${domain}`)) return true;
  const [network = "", prefix] = entry.split("/");
  const version = isIP(network);
  if (prefix === undefined || version === 0 || version !== isIP(host)) return false;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, Number(prefix), family);
  return block.check(host, family);
}

/** A connection through a proxy; or why there is none, and whether it is the server that the proxy does not reach. */
export type Tunnel =
  | { readonly socket: Socket }
  | { readonly socket?: undefined; readonly error: SparkStreamError; readonly serverIsDown: boolean };

/**
 * Asks a proxy for a connection to `target` (host:port). Never rejects.
 *
 * @param limit ms for the proxy to answer
 */
export function openTunnel(proxy: HttpProxy, target: string, limit = TIMEOUT): Promise<Tunnel> {
  const { host, port, credentials } = proxy;
  const timeout = Math.min(limit, TIMEOUT);
  const headers = {
    Host: target,
    ...(credentials && { "Proxy-Authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }),
  };
  return new Promise((resolve) => {
    const call = request({ host, port, method: "CONNECT", path: target, headers, timeout, agent: false });
    const fail = (what: string, { cause, status = 0 }: { cause?: unknown; status?: number } = {}) => {
      resolve({ error: proxyFailed(proxy, target, what, cause), serverIsDown: status >= 502 });
      call.destroy();
    };
    call.once("connect", ({ statusCode = 0, statusMessage }, socket: Socket, head: Buffer) => {
      if (statusCode !== 200) {
        socket.destroy();
        return fail(answered(statusCode, statusMessage), { status: statusCode });
      }
      if (head.length > 0) socket.unshift(head);
      socket.setTimeout(0);
      resolve({ socket });
    });
    call.once("response", ({ statusCode = 0, statusMessage }) => fail(answered(statusCode, statusMessage)));
    call.once("timeout", () =>
      fail(`did not answer within ${Math.ceil(timeout / 100) / 10} s. Check that it is an HTTP proxy and runs`),
    );
    call.on("error", (cause: NodeJS.ErrnoException) => fail(failed(cause), { cause }));
    call.end();
  });
}

function answered(status: number, text = ""): string {
  const said = `answered ${status} ${text}`.trimEnd();
  if (status === 407)
    return `${said}. Put a user and a password that it knows into its URL: http://user:password@host:port`;
  if (status === 403 || status === 405) {
    return `${said}: it does not allow CONNECT to this host and port. Ask whoever runs it`;
  }
  if (status >= 502) return `${said}: it does not reach the server. Check host and port, and that the server runs`;
  return `${said}. Check that it is an HTTP proxy that allows CONNECT`;
}

function failed({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ECONNRESET")
    return `closed the connection (${code}). Check that it is an HTTP proxy that allows CONNECT`;
  if (/^HPE_/.test(code ?? "")) return "does not speak HTTP. Check that it is an HTTP proxy";
  return `cannot be reached (${code ?? message}). Check that it runs`;
}

function proxyFailed(proxy: HttpProxy, target: string, what: string, cause: unknown): SparkStreamError {
  const message =
    `Cannot reach the Spark Connect server at ${target}: the proxy ${proxy.address}, which ${proxy.variable} in the ` +
    `environment names, ${what}. To connect without it, add the server's host to no_grpc_proxy.`;
  return new SparkStreamError("UNAVAILABLE", message, { cause });
}
