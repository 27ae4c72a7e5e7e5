/**
 * Where a Spark Connect server is and how to reach it: the `sc://` URL, the options of connect() and the environment,
 * in one object. Format: Spark's own connection string, `sc://host[:port]/;key=value;key=value`, values percent-encoded.
 */
import { isIP } from "node:net";
import { userInfo } from "node:os";
import { inspect } from "node:util";
import { SparkStreamError } from "../../errors.js";
import { filled, isBag, isFilled, isText, type OptionTable, secret, text } from "../../runtime/check-options.js";
import { checkWellFormed } from "../../runtime/well-formed.js";
import { version } from "../../version.js";
import { isLoopback } from "./loopback.js";
import { type HttpProxy, proxyFor } from "./proxy.js";
import { isCredential, Secrets } from "./secrets.js";

/** A bearer token, or a function that is asked for it before every call, so that it may rotate. */
export type Token = string | (() => string | Promise<string>);

/** Certificates, each as PEM. */
export interface TlsOptions {
  /** Certificate authorities to trust instead of the system's. */
  ca?: string | Buffer;
  /** The client's own certificate chain, with `key`, if the server asks for one. */
  cert?: string | Buffer;
  key?: string | Buffer;
}

export interface EndpointOptions {
  /** Default: the URL's `token`, else the environment's SPARK_CONNECT_AUTHENTICATE_TOKEN. */
  token?: Token;
  /**
   * true: TLS with the certificate authorities of the system. Default: the URL's `use_ssl`; a token, or a header with a
   * credential, implies TLS.
   */
  tls?: boolean | TlsOptions;
  /** Metadata sent with every call. Those whose name says so (authorization, cookie, x-api-key, …) are credentials. */
  headers?: Readonly<Record<string, string>>;
  /** Default: the URL's `user_id`, else the name of the user that runs this process. */
  userId?: string;
  /** Precedes this package's own name in the client type that the server shows. */
  userAgent?: string;
  /** A UUID: joins a session that exists, whose settings stay as they are, or gives the new one its id. */
  sessionId?: string;
}

const DEFAULT_PORT = 15002;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Spark cuts longer ones (spark.connect, client_type). */
const MAX_USER_AGENT = 2048;
/** Characters of a header that is hidden though its name is not that of a credential. */
const MIN_HIDDEN = 8;
/** Bytes; PySpark's limit too. Larger batches come in chunks. */
const MAX_MESSAGE = 128 * 1024 * 1024;
/**
 * ms between pings. A gRPC server in Java closes a connection that pings more often than every five minutes, or without
 * a call ("too_many_pings"), unless it was configured otherwise, as Spark is only from 4.3 on.
 */
const KEEPALIVE_TIME = 330_000;

const pem = secret([(value) => isFilled(value) || Buffer.isBuffer(value), "a certificate or key in PEM"]);
const tlsOptions: OptionTable<TlsOptions> = { ca: pem, cert: pem, key: pem };

export const endpointOptions: OptionTable<EndpointOptions> = {
  token: secret([(token) => isText(token) || typeof token === "function", "a string, or a function that returns one"]),
  tls: [
    (tls) => typeof tls === "boolean" || isBag(tls),
    "true, false or an object of options",
    { secret: true, within: tlsOptions },
  ],
  headers: secret([isBag, "an object of strings"]),
  userId: filled,
  userAgent: text,
  sessionId: [(id) => isText(id) && UUID.test(id), "a UUID"],
};

export class Endpoint {
  readonly host: string;
  readonly port: number;
  /** Whether the server was started for this session, and is nobody else's. */
  readonly startedHere: boolean;
  /** false: plain text. */
  readonly tls: false | TlsOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly userId: string;
  readonly userAgent: string;
  readonly sessionId: string | undefined;
  /** Bytes that a message received may have, decompressed. */
  readonly maxMessageBytes: number;
  /** undefined: the server is reached directly. */
  readonly proxy: HttpProxy | undefined;
  readonly keepalive:
    | { readonly timeMs: number; readonly timeoutMs: number; readonly withoutCalls: boolean }
    | undefined;
  readonly #token: Token | undefined;
  readonly #secrets = new Secrets();

  /**
   * @throws SparkStreamError INVALID_URL or INVALID_ARGUMENT; neither message shows a value of the URL.
   */
  constructor(url: string, options: EndpointOptions = {}, startedHere = false) {
    this.startedHere = startedHere;
    const { host, port, parameters } = parseUrl(url);
    const take = (key: string) => {
      const value = parameters.get(key);
      parameters.delete(key);
      return value;
    };
    this.host = host;
    this.port = port;
    this.#token = options.token ?? take("token") ?? (process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN || undefined);
    if (this.#token !== undefined && typeof this.#token !== "function") checkToken(this.#token);
    parameters.delete("token");
    const useSsl = boolean("use_ssl", take("use_ssl"));
    this.userId = options.userId ?? take("user_id") ?? userName();
    this.userAgent = clientType(options.userAgent ?? take("user_agent"));
    this.sessionId = options.sessionId ?? take("session_id");
    if (this.sessionId !== undefined && !UUID.test(this.sessionId)) throw invalidUrl("session_id must be a UUID");
    this.maxMessageBytes = integer("grpc_max_message_size", take("grpc_max_message_size")) ?? MAX_MESSAGE;
    const keepalive = boolean("grpc_keepalive_enabled", take("grpc_keepalive_enabled")) ?? true;
    const timeMs = integer("grpc_keepalive_time_ms", take("grpc_keepalive_time_ms")) ?? KEEPALIVE_TIME;
    const timeoutMs = integer("grpc_keepalive_timeout_ms", take("grpc_keepalive_timeout_ms")) ?? 20_000;
    const withoutCalls = boolean("grpc_keepalive_without_calls", take("grpc_keepalive_without_calls")) ?? false;
    this.keepalive = keepalive ? { timeMs, timeoutMs, withoutCalls } : undefined;
    for (const key of ["user_id", "user_agent", "session_id"]) parameters.delete(key);
    this.headers = checkHeaders({ ...Object.fromEntries(parameters), ...options.headers });
    const credentials = Object.keys(this.headers).filter(isCredential);
    this.tls = tlsOf(options.tls ?? useSsl, host, this.#token === undefined ? credentials[0] : "token");
    this.proxy = proxyFor(host);
    if (this.proxy?.credentials) this.#secrets.addHeader(this.proxy.credentials);
    for (const [name, value] of Object.entries(this.headers)) {
      if (credentials.includes(name)) this.#secrets.addHeader(value);
      else if (value.length >= MIN_HIDDEN) this.#secrets.add(value);
    }
  }

  /** host:port, as gRPC and messages write it. */
  get address(): string {
    return `${isIP(this.host) === 6 ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /** What gRPC connects to: with a scheme, since it takes a host called `unix` or `dns` for one. */
  get target(): string {
    return `dns:///${this.address}`;
  }

  /** Whether the token comes from a function, which may have another one. */
  get tokenRotates(): boolean {
    return typeof this.#token === "function";
  }

  /** Whether there is a token at all. */
  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  /** The current token. @throws SparkStreamError INVALID_ARGUMENT or UNAUTHENTICATED if the user's function gives none. */
  async token(): Promise<string | undefined> {
    if (this.#token === undefined) return undefined;
    try {
      const token = typeof this.#token === "function" ? checkToken(await this.#token()) : this.#token;
      this.#secrets.add(token);
      return token;
    } catch (cause) {
      if (cause instanceof SparkStreamError) throw cause;
      const message = `The token function failed: ${cause instanceof Error ? cause.message : cause}.`;
      throw new SparkStreamError("UNAUTHENTICATED", message, { cause });
    }
  }

  /** What a server said, or something before it, without the tokens and headers that it was sent and may repeat. */
  hide(text: string): string {
    return this.#secrets.hide(text);
  }

  /** Shows no token and no header, which may be a secret as well. */
  toJSON(): Record<string, unknown> {
    return { address: this.address, tls: this.tls !== false, userId: this.userId };
  }

  [inspect.custom](): string {
    return `Endpoint ${inspect(this.toJSON())}`;
  }
}

function parseUrl(url: string): { host: string; port: number; parameters: Map<string, string> } {
  const match = /^sc:\/\/([^/;]*)(\/?)(.*)$/s.exec(url);
  if (!match) throw invalidUrl("it must begin with sc:// (or be the word local)");
  const [, authority = "", slash, rest = ""] = match;
  if (rest !== "" && (slash === "" || !rest.startsWith(";"))) {
    throw invalidUrl("only /;key=value;key=value may follow the address");
  }
  // A scheme that the URL standard knows, so that it checks host and port; but what ends a host there does not here.
  const http = `http://${authority}`;
  if (/[?#\\\s]/.test(authority) || !URL.canParse(http)) throw invalidUrl("its host or port cannot be read");
  const parsed = new URL(http);
  if (parsed.username || parsed.password)
    throw invalidUrl("it must not contain a user or a password: pass the user as the parameter user_id");
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const port = /:80$/.test(authority) ? 80 : parsed.port === "" ? DEFAULT_PORT : Number(parsed.port);
  if (port === 0) throw invalidUrl("its port is 0");
  const parameters = new Map<string, string>();
  for (const part of rest.split(";")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals < 1) throw invalidUrl("every parameter must have the form key=value");
    parameters.set(part.slice(0, equals), decode(part.slice(equals + 1)));
  }
  return { host, port, parameters };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw invalidUrl("a value is not percent-encoded correctly", cause);
  }
}

/** @param credential the name of one that is sent along */
function tlsOf(
  tls: boolean | TlsOptions | undefined,
  host: string,
  credential: string | undefined,
): false | TlsOptions {
  const secret = credential !== undefined && !isLoopback(host);
  if (tls === undefined) return secret ? {} : false;
  if (tls === false && secret) {
    const what = credential === "token" ? "the token" : `the header ${JSON.stringify(credential)}`;
    throw invalidUrl(`use_ssl=false would send ${what} in plain text to another machine`);
  }
  return tls === true ? {} : tls;
}

function clientType(userAgent: string | undefined): string {
  const own = `spark-arrow-stream/${version} node/${process.versions.node} os/${process.platform}`;
  const full = userAgent ? `${userAgent} ${own}` : own;
  checkWellFormed(full);
  if (encodeURIComponent(full).length > MAX_USER_AGENT) {
    throw invalidUrl(`user_agent must not be longer than ${MAX_USER_AGENT} characters once percent-encoded`);
  }
  return full;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown"; // a container may run a user without a name
  }
}

function boolean(key: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^true$/i.test(value)) return true;
  if (/^false$/i.test(value)) return false;
  throw invalidUrl(`${key} must be true or false`);
}

function integer(key: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value) && Number(value) > 0 && Number(value) < 2 ** 31) return Number(value);
  throw invalidUrl(`${key} must be a whole number above 0`);
}

/** What gRPC takes as the value of a header. Its own error would show the value. */
const HEADER_VALUE = /^[ -~]*$/;

function checkToken(token: unknown): string {
  if (typeof token === "string" && token !== "" && HEADER_VALUE.test(token)) return token;
  throw invalidArgument("The token must be printable ASCII, and not empty. Is there a line break at its end?");
}

function checkHeaders(headers: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    const shown = JSON.stringify(name);
    if (!/^[a-z0-9_.-]+$/i.test(name)) {
      throw invalidArgument(`${shown} is not a valid header name: letters, digits, "-", "_" and "." are allowed.`);
    }
    if (/-bin$/i.test(name))
      throw invalidArgument(`The header ${shown} is a binary one (-bin), which is not supported.`);
    if (typeof value !== "string" || !HEADER_VALUE.test(value)) {
      throw invalidArgument(`The value of the header ${shown} must be a string of printable ASCII.`);
    }
  }
  return headers;
}

function invalidArgument(message: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", message);
}

function invalidUrl(reason: string, cause?: unknown): SparkStreamError {
  const message = `The Spark Connect URL cannot be used: ${reason}. Its form is sc://host[:port]/;key=value;key=value.`;
  return new SparkStreamError("INVALID_URL", message, { cause });
}
