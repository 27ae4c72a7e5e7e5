/** Servers that do not know a call, or do not let everybody use it. (Loaded without gRPC.) */
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";

/** gRPC's UNIMPLEMENTED. */
const UNIMPLEMENTED = 12;

/** Whether the server has no such call, or no such part of a plan. */
export function isUnimplemented(error: unknown): boolean {
  const cause = error instanceof SparkStreamError ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === UNIMPLEMENTED;
}

/** In the error classes of what a server does not allow, such as NOT_SUPPORTED_WITH_SERVERLESS. */
const REFUSED = /(^|[_.])(NOT_SUPPORTED|UNSUPPORTED|NOT_ALLOWED|NOT_AVAILABLE)/;

/**
 * Whether the server refused a call or a command as such: it does not know it, or does not let this caller use it. The query
 * that is in it may fail for other reasons.
 */
export function isRefusal(error: unknown): error is SparkStreamError {
  if (!(error instanceof SparkStreamError)) return false;
  const { code, errorClass } = error;
  if (code === "QUERY_FAILED") return isRefusalWithoutClass(error) || REFUSED.test(errorClass ?? "");
  return code === "PERMISSION_DENIED" || isUnimplemented(error);
}
