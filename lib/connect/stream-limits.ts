/** How long a server lets a consumer be slow (Spark Connect's own settings; the defaults are those of Spark). */
export interface StreamLimits {
  /** ms after which the server ends a stream: spark.connect.execute.reattachable.senderMaxStreamDuration */
  readonly maxStreamDuration: number;
  /** ms that an operation without a stream is kept: spark.connect.execute.manager.detachedTimeout */
  readonly detachedTimeout: number;
}

export const streamLimitKeys = {
  maxStreamDuration: "spark.connect.execute.reattachable.senderMaxStreamDuration",
  detachedTimeout: "spark.connect.execute.manager.detachedTimeout",
} as const;

export const defaultStreamLimits: StreamLimits = { maxStreamDuration: 120_000, detachedTimeout: 300_000 };

/**
 * ms after an attach at which a stream that nobody reads has to be looked after: late enough for the server to have ended
 * it, so that only what was in flight has to be taken; and early enough for the operation to be still there, even where
 * the stream was cut right after the attach.
 */
export function drainAfter({ maxStreamDuration, detachedTimeout }: StreamLimits): number {
  return Math.min(maxStreamDuration + detachedTimeout / 2, detachedTimeout * 0.9);
}

/** ms of silence after which a stream that is read from is dead: the server would have ended it well before that. */
export function silentAfter({ maxStreamDuration }: StreamLimits): number {
  return maxStreamDuration * 1.25 + 1_000;
}

const units = { us: 0.001, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as Spark writes it ("2m", "500ms"; a bare number is in ms), in ms; undefined for anything else. */
export function parseDuration(text: string | undefined): number | undefined {
  const match = /^\s*(\d+)\s*(us|ms|s|min|m|h|d)?\s*$/.exec(text ?? "");
  if (!match) return undefined;
  return Number(match[1]) * units[(match[2] ?? "ms") as keyof typeof units];
}
