/**
 * Explains why a server cannot be reached, or what it is if it is not a Spark Connect server: from the messages of Node's
 * sockets, OpenSSL 3 (Node 20 to 26) and grpc-js 1.14 to what a user can do. The patterns match English texts of these
 * libraries; test/connect/connecting.test.ts and test/connect/proxy.test.ts produce each with a real peer, and fail if a
 * version words it differently.
 */
import type { ErrorCode } from "../../errors.js";
import { noFilesAdvice, noFilesLeft } from "../../runtime/open-files.js";
import type { Endpoint } from "./endpoint.js";
import { MAX_NESTING } from "./messages.js";

/** For a call that ended as UNAVAILABLE. */
export function explainUnavailable(message: string, endpoint: Endpoint): [ErrorCode, string] {
  const { address, host, tls, proxy } = endpoint;
  const reason = reasonOf(message);
  const said = reason.replaceAll(host, ""); // a host may be called tls-1
  const server = `the Spark Connect server at ${address}`;
  if (noFilesLeft(said)) return ["UNAVAILABLE", `Cannot connect to ${server}: ${reason}. ${noFilesAdvice}.`];
  if (proxy && /\bundefined$/.test(said)) {
    const named = `the proxy ${proxy.address}, which ${proxy.variable} in the environment names`;
    return ["UNAVAILABLE", `Cannot reach ${server}: ${named}, is gone or refused the connection.`];
  }
  if (/Protocol error/.test(said)) {
    return [
      "UNSUPPORTED",
      `What answers at ${address} does not speak gRPC. Is this Spark Connect's port (15002 by default)?`,
    ];
  }
  if (/wrong version number|packet length too long/i.test(said)) {
    const advice = "it answers in plain text. Leave out use_ssl, and the token if it needs none.";
    return ["TLS_FAILED", `Cannot speak TLS with ${server}: ${advice}`];
  }
  if (/protocol version|unsupported protocol|wrong ssl version|no protocols available/i.test(said)) {
    const advice = "it supports neither TLS 1.2 nor TLS 1.3. Enable one of them there.";
    return ["TLS_FAILED", `Cannot speak TLS with ${server}: ${advice} (${reason})`];
  }
  if (/no application protocol/i.test(said)) {
    return ["TLS_FAILED", `Cannot speak TLS with ${server}: it does not offer HTTP/2, which gRPC needs (${reason}).`];
  }
  if (/unrecognized name/i.test(said)) {
    const advice = "it has no certificate for this host name. Connect by a name that it serves.";
    return ["TLS_FAILED", `Cannot speak TLS with ${server}: ${advice} (${reason})`];
  }
  if (/handshake failure/i.test(said) && tls && tls.cert === undefined) {
    const advice = "it has no cipher in common with this side, or requires a client certificate: tls: { cert, key }.";
    return ["TLS_FAILED", `Cannot speak TLS with ${server}: ${advice} (${reason})`];
  }
  if (/\balert\b.*(certificate|\bca\b|access denied)/i.test(said) || (tls && /Failed to connect/.test(said))) {
    const shown = tls !== false && tls.cert !== undefined;
    const why = shown ? "does not accept the client's certificate" : "requires a client certificate";
    const broken = `The Spark Connect server at ${address} closed the connection (${reason}), as a server does that ${why}.`;
    return ["TLS_FAILED", `${broken} Give one that it trusts: connect(url, { tls: { cert, key } }).`];
  }
  if (/altname/i.test(said)) {
    return [
      "TLS_FAILED",
      `The certificate of ${server} is not valid for this host name: ${reason}. Connect by a name that it lists.`,
    ];
  }
  if (/certificate has expired|certificate is not yet valid/i.test(said)) {
    return ["TLS_FAILED", `Cannot trust ${server}: ${reason}. The server needs a new one, or a clock is wrong.`];
  }
  if (/certificate|self[- ]signed|UNABLE_TO_VERIFY/i.test(said)) {
    const advice = "Give the certificate authority that signed its certificate: connect(url, { tls: { ca } }).";
    return ["TLS_FAILED", `Cannot trust ${server}: ${reason}. ${advice}`];
  }
  if (/ssl|tls|EPROTO|\balert\b/i.test(said)) return ["TLS_FAILED", `Cannot speak TLS with ${server}: ${reason}.`];
  return ["UNAVAILABLE", `Cannot reach ${server}: ${reason}. Check host and port, and that the server runs.`];
}

/** For a call that ended without any word of a gRPC server, if it did. */
export function explainNoGrpc(message: string, { address }: Endpoint): [ErrorCode, string] | undefined {
  if (/maximum recursion depth/.test(message)) {
    const advice = `Are there more than ${Math.floor(MAX_NESTING / 3)} nested structs, or nested arrays?`;
    return [
      "UNSUPPORTED",
      `The server at ${address} sent a message that is nested deeper than ${MAX_NESTING} levels. ${advice}`,
    ];
  }
  if (/^A response cannot be read|message parsing error/.test(message)) {
    const advice = "It does not speak Spark Connect as Spark does, or something in between has changed the message.";
    return [
      "UNSUPPORTED",
      `The server at ${address} sent bytes that are not a message of its protocol: ${message}. ${advice}`,
    ];
  }
  if (/^Payload Too Large$|^Received HTTP status code 413/.test(message)) {
    const advice = "Give it a higher limit for request bodies, or send less at a time.";
    return ["MESSAGE_TOO_LARGE", `A proxy before the server at ${address} refuses a request of this size. ${advice}`];
  }
  if (/^Received HTTP status code/.test(message)) {
    const advice = "Check host and port, and any proxy or load balancer in between.";
    return ["UNSUPPORTED", `What answers at ${address} is not a Spark Connect server: ${message}. ${advice}`];
  }
  if (/^Received RST_STREAM/.test(message)) {
    return ["UNAVAILABLE", `The server at ${address}, or something in front of it, ended the call: ${message}.`];
  }
  return undefined;
}

/** Without what grpc-js puts around it. */
function reasonOf(message: string): string {
  return message
    .replace("dns:///", "")
    .replace(/^No connection established\. Last error: /, "")
    .replace(/\s*Resolution note:[\s\S]*$/, "")
    .replace(/^Error(?: \[\w+\])?: /, "")
    .replace(/^[0-9A-F]+:error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):.*$/, "SSL: $1")
    .replace(/\s*\(\d{4}-\d\d-\d\dT[^)]*\)/, "")
    .replace(/[\s.]+$/, "");
}
