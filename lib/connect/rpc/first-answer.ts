/**
 * The first call on a server, which may not be there yet: a cluster that is started by the call that wants it, a proxy that
 * does not let through, a server that speaks TLS to a client of plain text.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SparkStreamError } from "../../errors.js";
import type { Endpoint } from "./endpoint.js";
import { openTunnel } from "./proxy.js";
import { isUnimplemented } from "./refusal.js";
import { defaultRetryPolicy, type RetryPolicy } from "./retry.js";
import { whatAnswers } from "./what-answers.js";

/** ms that a call may take; and, unless a time was given, all of them. */
const CONNECT_TIMEOUT = 15_000;
/** Retries of one call; its waits are those of retry.ts. */
const RETRIES = 2;
/** ms between calls on a server that is waited for. */
const WAIT = 1_000;
/** ms for something that is not Spark Connect to answer. */
const ANSWER_TIMEOUT = 2_000;
/** ms for a TLS handshake. */
const HANDSHAKE_TIMEOUT = 2_000;

export interface FirstCallOptions {
  readonly timeoutMs: number;
  readonly policy: RetryPolicy;
}

/**
 * Calls the server; until it answers for as long as `connectTimeoutMs` says, if that was given.
 *
 * @throws SparkStreamError what the last call failed with; the proxy's failure if it is not the server that is missing
 */
export async function firstAnswer<T>(
  endpoint: Endpoint,
  connectTimeoutMs: number | undefined,
  call: (options: FirstCallOptions) => Promise<T>,
): Promise<T> {
  const end = performance.now() + (connectTimeoutMs ?? CONNECT_TIMEOUT);
  for (let tries = 1; ; tries++) {
    const timeoutMs = Math.min(Math.max(end - performance.now(), 1), CONNECT_TIMEOUT);
    const failure = (await proxyFailure(endpoint, timeoutMs)) ?? (await answerOrFailure(timeoutMs, call));
    if (!(failure instanceof SparkStreamError)) return failure.answer;
    if (tries === 1 && (await wantsTls(endpoint, failure, end - performance.now())))
      throw speaksTlsOnly(endpoint, failure);
    if (failure.code !== "UNAVAILABLE" || connectTimeoutMs === undefined) {
      throw await withAnswer(endpoint, failure, end - performance.now());
    }
    if (performance.now() + WAIT >= end) throw gaveUp(failure, tries, connectTimeoutMs);
    await sleep(WAIT);
  }
}

async function answerOrFailure<T>(timeoutMs: number, call: (options: FirstCallOptions) => Promise<T>) {
  try {
    return { answer: await call({ timeoutMs, policy: { ...defaultRetryPolicy, maxRetries: RETRIES } }) };
  } catch (error) {
    if (error instanceof SparkStreamError) return error;
    throw error;
  }
}

/**
 * Looks whether the proxy lets through, since gRPC says nothing of one that does not. Resolves to an error if it does not
 * reach the server, which may change.
 *
 * @throws SparkStreamError UNAVAILABLE for all that will not change by itself
 */
async function proxyFailure({ proxy, address }: Endpoint, timeoutMs: number): Promise<SparkStreamError | undefined> {
  if (!proxy) return undefined;
  const tunnel = await openTunnel(proxy, address, timeoutMs);
  if (tunnel.socket) {
    tunnel.socket.destroy();
    return undefined;
  }
  if (!tunnel.serverIsDown) throw tunnel.error;
  return tunnel.error;
}

function gaveUp(failure: SparkStreamError, tries: number, connectTimeoutMs: number): SparkStreamError {
  const often = tries === 1 ? "once" : `${tries} times`;
  const message = `${failure.message} It was tried ${often} within ${connectTimeoutMs / 1000} s (connectTimeoutMs).`;
  return new SparkStreamError(failure.code, message, { cause: failure });
}

/** What is known of a server that accepts a connection and ends it. */
const UNCLEAR = /Failed to connect|ECONNRESET|Connection dropped/;

/** The failure with what answers instead of Spark Connect, if something does. */
async function withAnswer(endpoint: Endpoint, failure: SparkStreamError, timeLeft: number): Promise<SparkStreamError> {
  const { code, message: said } = failure;
  // A proxy that does not reach the server says so in gRPC's words.
  const unclear = code === "UNSUPPORTED" || (code === "UNAVAILABLE" && UNCLEAR.test(said));
  if (!unclear || isUnimplemented(failure) || timeLeft <= 0) return failure;
  const answer = await whatAnswers(endpoint, Math.min(timeLeft, ANSWER_TIMEOUT));
  if (answer === undefined) return failure;
  const message = `There is no Spark Connect server at ${endpoint.address}: ${answer}. Spark Connect's port is 15002 by default.`;
  return new SparkStreamError(code, message, { cause: failure });
}

/** gRPC cannot distinguish a server that wants TLS from one that is not there; a handshake can. */
async function wantsTls(endpoint: Endpoint, { code }: SparkStreamError, timeLeft: number): Promise<boolean> {
  if (endpoint.tls !== false || (code !== "UNAVAILABLE" && code !== "UNSUPPORTED") || timeLeft <= 0) return false;
  const limit = Math.min(timeLeft, HANDSHAKE_TIMEOUT);
  const { host, port, proxy, address } = endpoint;
  const tls = await import("node:tls");
  const tunnel = proxy && (await openTunnel(proxy, address, limit));
  if (tunnel && !tunnel.socket) return false;
  const way = tunnel ? { socket: tunnel.socket } : { host, port };
  return await new Promise((resolve) => {
    const socket = tls.connect({
      ...way,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      timeout: limit,
    });
    const settle = (answer: boolean) => {
      socket.destroy();
      tunnel?.socket.destroy();
      resolve(answer);
    };
    socket.once("secureConnect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

function speaksTlsOnly({ address }: Endpoint, cause: SparkStreamError): SparkStreamError {
  const message = `The server at ${address} speaks TLS. Add ;use_ssl=true to the URL, or connect(url, { tls: true }).`;
  return new SparkStreamError("TLS_FAILED", message, { cause });
}
