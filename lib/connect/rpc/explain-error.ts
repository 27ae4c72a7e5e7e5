/** Makes the error that a user sees, with a code and advice, from the status of a server or of gRPC. */
import { status } from "@grpc/grpc-js";
import { type ErrorCode, SparkStreamError } from "../../errors.js";
import { toldError } from "../python/told.js";
import type { Endpoint } from "./endpoint.js";
import { explainNoGrpc, explainUnavailable } from "./explain-connection.js";
import type { ServerError } from "./server-error.js";

export function explainError(error: ServerError, endpoint: Endpoint, operationId?: string): SparkStreamError {
  // Raised here, before there was a call: a token that cannot be sent.
  if (error.cause instanceof SparkStreamError) return error.cause;
  const [code, message] = explain(error, endpoint);
  const { cause, errorClass, sqlState, messageParameters, queryContext, serverStackTrace } = error;
  return new SparkStreamError(code, message, {
    cause,
    errorClass,
    sqlState,
    messageParameters,
    queryContext,
    serverStackTrace,
    operationId,
  });
}

/** The error of an answer that comes from another session than those before. */
export function sessionChanged(endpoint: Endpoint): SparkStreamError {
  return new SparkStreamError("SESSION_LOST", sessionLost(endpoint, false));
}

/**
 * @param closed Whether the server remembers that it was closed. A server that was restarted remembers nothing; Spark
 *   remembers its last 1,000 closed sessions.
 */
function sessionLost({ address }: Endpoint, closed: boolean): string {
  const why = closed
    ? "another client that had joined it closed it, or it was idle for longer than spark.connect.session.manager.defaultSessionTimeout"
    : "the server was restarted, or has forgotten the session since it was closed long ago";
  return `Lost the session on the Spark Connect server at ${address}: ${why}. Connect again.`;
}

function explain(error: ServerError, endpoint: Endpoint): [ErrorCode, string] {
  const { errorClass = "", message } = error;
  const told = toldError(message);
  if (told) return told;
  const server = `the Spark Connect server at ${endpoint.address}`;
  if (isTooLargeForDriver(error)) {
    const advice =
      'Take it in pieces, sparkStream(df, { delivery: "staged" }), or start Spark with a larger spark.driver.maxResultSize.';
    return ["RESULT_TOO_LARGE", `The result is larger than spark.driver.maxResultSize allows. ${advice} ${message}`];
  }
  if (/^INVALID_HANDLE\.SESSION_|^SESSION_CHANGED/.test(errorClass)) {
    return ["SESSION_LOST", sessionLost(endpoint, /SESSION_CLOSED/.test(errorClass))];
  }
  if (errorClass === "OPERATION_CANCELED" || error.sqlState === "HY008") {
    return ["OPERATION_CANCELED", `The operation was interrupted. ${message}`];
  }
  if (/^INVALID_CURSOR\.|OPERATION_ABANDONED|OPERATION_NOT_FOUND/.test(errorClass)) {
    return ["OPERATION_LOST", `The server no longer has the rest of this result. ${message} Run the query again.`];
  }
  if (errorClass === "" && /^invalid argument: operation not found/.test(message)) {
    const lost = "it was interrupted, or nothing was read for too long";
    return ["OPERATION_LOST", `${capital(server)} no longer has the operation: ${lost} (${message}).`];
  }
  if (error.code === status.UNKNOWN && errorClass === "" && WORDLESS.test(message)) {
    const advice =
      "One possible reason is a plan or a parameter that is nested too deeply: Spark's stack overflows at a few hundred levels.";
    const text = `${capital(server)} failed without saying why (${message.trim()}). Its log has the reason. ${advice}`;
    return ["QUERY_FAILED", text];
  }
  switch (error.code) {
    case status.UNAVAILABLE:
      return explainUnavailable(message, endpoint);
    case status.UNAUTHENTICATED:
      return [
        "UNAUTHENTICATED",
        endpoint.hasToken
          ? `${capital(server)} does not accept the token. Check that it belongs to this server and has not expired.`
          : `${capital(server)} requires a token. Give one: connect(url, { token }), or ;token=… in the URL.`,
      ];
    case status.PERMISSION_DENIED:
      return ["PERMISSION_DENIED", `${capital(server)} refuses: ${message}`];
    case status.UNIMPLEMENTED:
      return [
        "UNSUPPORTED",
        `${capital(server)} does not know this call: ${message}. It may be older than Spark 3.5, or not a Spark Connect server at all.`,
      ];
    case status.RESOURCE_EXHAUSTED:
      return explainExhausted(message, endpoint);
    case status.DEADLINE_EXCEEDED:
      return [
        "UNAVAILABLE",
        `${capital(server)} did not answer in time: ${message}. Check that it runs and is not overloaded, and try again.`,
      ];
    case status.CANCELLED:
      return ["OPERATION_CANCELED", `The call was cancelled: ${message}.`];
    default:
      return explainNoGrpc(message, endpoint) ?? ["QUERY_FAILED", message];
  }
}

/** What grpc-js and grpc-java make of an error of the server's own that has no message. */
const WORDLESS = /^(2 UNKNOWN:\s*|Application error processing RPC)$/;
/** A message that is too large: one received, by this side's limit, or one sent, by the server's; or another limit. */
function explainExhausted(message: string, { address, maxMessageBytes }: Endpoint): [ErrorCode, string] {
  if (/^Received message (larger than max|that decompresses)/.test(message)) {
    return [
      "MESSAGE_TOO_LARGE",
      `A message from the server was larger than the limit of ${maxMessageBytes} bytes: ${message}. From Spark ` +
        "4.1 on large batches come in chunks, which fit; if the server is older, or chunking is off " +
        "(spark.connect.session.resultChunking.maxChunkSize), ask for fewer rows per batch: " +
        "sparkStream(df, { maxRecordsPerBatch }); or allow more: grpc_max_message_size in the URL.",
    ];
  }
  if (/message.*(exceeds maximum|larger than max|too large)/i.test(message)) {
    return [
      "MESSAGE_TOO_LARGE",
      `A request was larger than the server at ${address} accepts: ${message}. Send less at once: createDataFrame() with ` +
        "fewer rows, or a shorter query; or start the server with a larger spark.connect.grpc.maxInboundMessageSize.",
    ];
  }
  return [
    "UNAVAILABLE",
    `The server at ${address}, or something in front of it, is overloaded or has reached a limit: ${message}.`,
  ];
}

function isTooLargeForDriver({ message, errorClass = "" }: ServerError): boolean {
  return (
    /bigger than spark\.driver\.maxResultSize/.test(message) || /MAX_RESULT_SIZE|RESULT_SIZE_EXCEED/.test(errorClass)
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
