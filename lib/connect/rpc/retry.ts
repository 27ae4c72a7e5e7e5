/**
 * When a failed call may be made again, and after what wait: a pure function. The figures are PySpark's defaults
 * (pyspark.sql.connect.client.retries, DefaultPolicy).
 */
import { status } from "@grpc/grpc-js";

export interface RetryPolicy {
  /** Calls after the first one. */
  readonly maxRetries: number;
  readonly initialWaitMs: number;
  readonly multiplier: number;
  readonly maxWaitMs: number;
  /** Added at random to waits of at least `jitterFromMs`. */
  readonly jitterMs: number;
  readonly jitterFromMs: number;
  /** The most that a wait named by the server is followed. */
  readonly maxServerWaitMs: number;
  /** Whether a call whose deadline has passed is made again. */
  readonly afterDeadline?: boolean;
  /** Whether a process that has nothing else to do may end while a call waits to be made again. */
  readonly background?: boolean;
}

export const defaultRetryPolicy: RetryPolicy = {
  maxRetries: 15,
  initialWaitMs: 50,
  multiplier: 4,
  maxWaitMs: 60_000,
  jitterMs: 500,
  jitterFromMs: 2_000,
  maxServerWaitMs: 600_000,
};

/** What is known of a failure. */
export interface Failure {
  /** The gRPC status code. */
  readonly code: number;
  readonly errorClass?: string | undefined;
  /** The stream was reset, without a status: by the server's machine, or by a proxy that has had enough of it. */
  readonly reset?: boolean | undefined;
  /** From google.rpc.RetryInfo: the server asks for another try, after this wait. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The wait in ms before try number `retry` (1 is the first after the original call), or undefined if there must be
 * none: a failure that would come again, or the last try is over.
 *
 * Retried are: UNAVAILABLE; a stream that was reset; a stream that another attach took over
 * (INVALID_CURSOR.DISCONNECTED); whatever the server gave a RetryInfo with; and DEADLINE_EXCEEDED if the policy has
 * `afterDeadline`. Nothing else, and a CANCELLED that the server says least of all.
 */
export function retryWait(
  failure: Failure,
  retry: number,
  policy: RetryPolicy = defaultRetryPolicy,
  random: () => number = Math.random,
): number | undefined {
  const expired = policy.afterDeadline === true && failure.code === status.DEADLINE_EXCEEDED;
  if (retry > policy.maxRetries || !(expired || isTransient(failure))) return undefined;
  const backoff = Math.min(policy.initialWaitMs * policy.multiplier ** (retry - 1), policy.maxWaitMs);
  const server = Math.min(failure.retryAfterMs ?? 0, policy.maxServerWaitMs);
  const wait = Math.max(backoff, server);
  return wait >= policy.jitterFromMs ? wait + random() * policy.jitterMs : wait;
}

/** Whether another token may help: the server refuses who is asking, and not what a query does. */
export function isTokenRefused({ code, errorClass }: Failure): boolean {
  return code === status.UNAUTHENTICATED || (code === status.PERMISSION_DENIED && errorClass === undefined);
}

export function isTransient({ code, errorClass, retryAfterMs, reset }: Failure): boolean {
  if (retryAfterMs !== undefined || reset) return true;
  if (code === status.UNAVAILABLE) return true;
  return code === status.INTERNAL && errorClass === "INVALID_CURSOR.DISCONNECTED";
}
