/**
 * What a Spark Connect server's error really says. Nearly every one is gRPC INTERNAL; the truth is in the trailer
 * `grpc-status-details-bin`: a google.rpc.Status with an ErrorInfo and, from Spark 4.1 on, a RetryInfo.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { ServiceError } from "@grpc/grpc-js";
import type { QueryContext } from "../../errors.js";
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "../generated/google-rpc_pb.js";
import {
  FetchErrorDetailsResponse_QueryContext_ContextType as ContextType,
  type FetchErrorDetailsResponse,
} from "../generated/spark-connect_pb.js";
import type { Failure } from "./retry.js";

/**
 * The words of grpc-js 1.14 (subchannel-call.ts) for a stream that the other side reset (RST_STREAM), by its error code; the
 * second is for CANCEL. test/connect/execution.test.ts and test/spark/envoy.test.ts produce them.
 */
const RESET = /^(Received RST_STREAM with code|Call cancelled$)/;

type Hide = (text: string) => string;

/** A failed call, read. */
export interface ServerError extends Failure {
  readonly message: string;
  readonly sqlState?: string | undefined;
  readonly messageParameters?: Record<string, string> | undefined;
  readonly queryContext?: readonly QueryContext[] | undefined;
  readonly serverStackTrace?: string | undefined;
  /** Names the error for FetchErrorDetails; the server forgets it after a minute. */
  readonly errorId?: string | undefined;
  readonly cause: unknown;
}

/** @param hide removes from a text what must not be shown, if the server, or something before it, repeats that */
export function readServerError(error: unknown, hide?: Hide): ServerError {
  const read = readStatus(error, hide);
  // Spark 3.5 has no field for the class: it begins the message, "[CLASS.SUBCLASS] …". Sail has words before it.
  const errorClass = read.errorClass ?? /(?:^|: )\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\] /.exec(read.message)?.[1];
  return errorClass === undefined ? read : { ...read, errorClass };
}

function readStatus(error: unknown, hide: Hide = (text) => text): ServerError {
  const { code = -1, details, metadata, message } = error as Partial<ServiceError>;
  const read: ServerError = { code, message: details || message || String(error), cause: error };
  if (!metadata) return hidden(read, hide);
  // Read here. Printed with the error it would be a page of bytes, and a proxy may have put anything there.
  Object.defineProperty(error, "metadata", { value: undefined, enumerable: false });
  for (const key of ["message", "details", "stack"] as const) {
    const text = (error as Partial<ServiceError>)[key];
    if (text !== undefined) Object.defineProperty(error, key, { value: hide(text) });
  }
  const trailer = metadata.get("grpc-status-details-bin")[0];
  if (!(trailer instanceof Uint8Array)) return hidden(RESET.test(read.message) ? { ...read, reset: true } : read, hide);
  try {
    return hidden(withTrailer(read, trailer), hide);
  } catch {
    return hidden(read, hide); // the status itself stands
  }
}

function hidden(error: ServerError, hide: Hide): ServerError {
  const { message, messageParameters, serverStackTrace } = error;
  const values = Object.entries(messageParameters ?? {}).map(([key, value]) => [key, hide(String(value))]);
  return {
    ...error,
    message: hide(message),
    ...(messageParameters && { messageParameters: Object.fromEntries(values) }),
    ...(serverStackTrace && { serverStackTrace: hide(serverStackTrace) }),
  };
}

function withTrailer(read: ServerError, trailer: Uint8Array): ServerError {
  const status = fromBinary(StatusSchema, trailer);
  let result: ServerError = status.message ? { ...read, message: status.message } : read;
  for (const detail of status.details) {
    const retry = anyUnpack(detail, RetryInfoSchema);
    if (retry) {
      const delay = retry.retryDelay;
      result = { ...result, retryAfterMs: delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0 };
    }
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info) {
      const { errorClass, sqlState, messageParameters, errorId } = info.metadata;
      result = { ...result, errorClass, sqlState, messageParameters: parameters(messageParameters), errorId };
    }
  }
  return result;
}

/** The same error with all that the server knows of it. */
export function withDetails(
  error: ServerError,
  response: FetchErrorDetailsResponse,
  hide: Hide = (text) => text,
): ServerError {
  const root = response.rootErrorIdx === undefined ? undefined : response.errors[response.rootErrorIdx];
  if (!root) return error;
  const throwable = root.sparkThrowable;
  const detailed: ServerError = {
    ...error,
    message: root.message || error.message,
    errorClass: throwable?.errorClass ?? error.errorClass,
    sqlState: throwable?.sqlState ?? error.sqlState,
    messageParameters: throwable ? { ...throwable.messageParameters } : error.messageParameters,
    queryContext: throwable?.queryContexts.map((context) => ({
      type: context.contextType === ContextType.DATAFRAME ? "dataframe" : "sql",
      fragment: context.fragment,
      startIndex: context.startIndex,
      stopIndex: context.stopIndex,
      summary: context.summary,
    })),
    serverStackTrace: stackTrace(response),
  };
  return hidden(detailed, hide);
}

function stackTrace({ errors, rootErrorIdx }: FetchErrorDetailsResponse): string | undefined {
  const parts: string[] = [];
  const seen = new Set<number>();
  for (let index = rootErrorIdx; index !== undefined && !seen.has(index); index = errors[index]?.causeIdx) {
    seen.add(index);
    const error = errors[index];
    if (!error) break;
    const frames = error.stackTrace.map(
      (frame) => `    at ${frame.declaringClass}.${frame.methodName}(${frame.fileName ?? "?"}:${frame.lineNumber})`,
    );
    parts.push([`${error.errorTypeHierarchy[0] ?? "error"}: ${error.message}`, ...frames].join("\n"));
  }
  return parts.length > 0 && parts.some((part) => part.includes("\n    at ")) ? parts.join("\nCaused by: ") : undefined;
}

function parameters(json: string | undefined): Record<string, string> | undefined {
  if (!json) return undefined;
  try {
    return JSON.parse(json) as Record<string, string>;
  } catch {
    return undefined; // the server cuts what is too long for a header
  }
}
