/**
 * How long the server may take for a unary call, and how often the call is made: for all of them, here. Every attempt has a
 * deadline, so that a server that is there and silent, or a connection that is dead and does not know, ends in an error.
 * Calls whose answer is a stream have none: an execution looks after its own silence (silence.ts).
 */
import { defaultRetryPolicy, type RetryPolicy } from "./retry.js";

export interface CallPolicy {
  /** ms for each attempt. */
  readonly timeoutMs: number;
  readonly policy: RetryPolicy;
}

/** ms for calls that must not hold up anything. */
export const SHORT_TIMEOUT = 5_000;

const MINUTE = 60_000;

/**
 * By the name of the call, if it is not a minute. Listing the files of a huge table may take Spark some minutes, and so may
 * some megabytes on a slow link.
 */
const timeouts: Readonly<Record<string, number>> = {
  AddArtifacts: 10 * MINUTE,
  AnalyzePlan: 10 * MINUTE,
  FetchErrorDetails: SHORT_TIMEOUT,
  ReleaseSession: SHORT_TIMEOUT,
};

/** @param method as the protocol calls it */
export function callPolicy(method: string): CallPolicy {
  return { timeoutMs: timeouts[method] ?? MINUTE, policy: defaultRetryPolicy };
}

/** For what can do without an answer. */
export const briefly: CallPolicy = { timeoutMs: SHORT_TIMEOUT, policy: { ...defaultRetryPolicy, maxRetries: 2 } };

/**
 * For what must not be lost, and may come twice. A passed deadline may be the connection's, so it is tried on another; and the
 * server's, which may be silent for a while: it is tried for ten minutes, after which a server has forgotten the query anyway
 * (spark.connect.execute.manager.detachedTimeout).
 */
export const stopping: CallPolicy = {
  timeoutMs: SHORT_TIMEOUT,
  policy: { ...defaultRetryPolicy, maxRetries: 60, maxWaitMs: 5_000, afterDeadline: true, background: true },
};

/** For a call whose failure the next one makes up for. */
export const once: CallPolicy = { timeoutMs: SHORT_TIMEOUT, policy: { ...defaultRetryPolicy, maxRetries: 0 } };
