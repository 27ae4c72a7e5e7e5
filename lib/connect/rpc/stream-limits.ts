/** What a server allows a stream (Spark Connect's own settings; the defaults are those of Spark). */
export interface StreamLimits {
  /** ms after which the server ends a stream: spark.connect.execute.reattachable.senderMaxStreamDuration */
  readonly maxStreamDuration: number;
  /** ms that an operation without a stream is kept: spark.connect.execute.manager.detachedTimeout */
  readonly detachedTimeout: number;
  /** Bytes behind the furthest response sent that can be sent again: spark.connect.execute.reattachable.observerRetryBufferSize */
  readonly retryBufferBytes: number;
  /** Whether large batches come in chunks, as they do from Spark 4.1 on. */
  readonly chunking: boolean;
  /** Bytes of a batch that is not in chunks, unless a single row is larger: 0.7 of spark.connect.grpc.arrow.maxBatchSize */
  readonly maxBatchBytes: number;
  /** Whether the session has a codec for batches: from Spark 4.1 on. Others ignore the setting. */
  readonly compression: boolean;
}

/** The codec of record batches. */
export const CODEC_CONF = "spark.sql.execution.arrow.compression.codec";

const keys = {
  maxStreamDuration: "spark.connect.execute.reattachable.senderMaxStreamDuration",
  detachedTimeout: "spark.connect.execute.manager.detachedTimeout",
  retryBufferBytes: "spark.connect.execute.reattachable.observerRetryBufferSize",
  chunking: "spark.connect.session.resultChunking.maxChunkSize",
  maxBatchBytes: "spark.connect.grpc.arrow.maxBatchSize",
  compression: CODEC_CONF,
} as const;

export const streamLimitKeys: readonly string[] = Object.values(keys);

const MIB = 1024 * 1024;
/** The part of the allowed size to which Spark fills a batch. */
const BATCH_FILL = 0.7;

export const defaultStreamLimits: StreamLimits = {
  maxStreamDuration: 120_000,
  detachedTimeout: 300_000,
  retryBufferBytes: 10 * MIB,
  chunking: false,
  maxBatchBytes: BATCH_FILL * 4 * MIB,
  compression: true,
};

/** The limits from the settings that a server returned; a setting that it does not know has Spark's default. */
export function readStreamLimits(settings: readonly { key: string; value?: string | undefined }[]): StreamLimits {
  const settingOf = (name: keyof typeof keys) => settings.find(({ key }) => key === keys[name])?.value;
  const maxBatchBytes = parseBytes(settingOf("maxBatchBytes"));
  return {
    maxStreamDuration: parseDuration(settingOf("maxStreamDuration")) ?? defaultStreamLimits.maxStreamDuration,
    detachedTimeout: parseDuration(settingOf("detachedTimeout")) ?? defaultStreamLimits.detachedTimeout,
    retryBufferBytes: parseBytes(settingOf("retryBufferBytes")) ?? defaultStreamLimits.retryBufferBytes,
    chunking: (parseBytes(settingOf("chunking")) ?? 0) > 0,
    maxBatchBytes: maxBatchBytes === undefined ? defaultStreamLimits.maxBatchBytes : BATCH_FILL * maxBatchBytes,
    compression: settingOf("compression") !== undefined,
  };
}

/**
 * ms after an attach at which a stream that nobody reads has to be looked after: late enough for the server to have ended
 * it, so that only what was in flight has to be taken; and early enough for the operation to be still there, even if
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

const sizes: Readonly<Record<string, number>> = { b: 1, k: 1024, m: MIB, g: 1024 * MIB, t: 1024 * 1024 * MIB };

/** An amount of bytes as Spark writes it ("10m", "10485760b", "4MiB"; a bare number is in bytes); undefined for anything else. */
export function parseBytes(text: string | undefined): number | undefined {
  const match = /^\s*(\d+)\s*(?:(b)|([kmgt])(?:i?b)?)?\s*$/i.exec(text ?? "");
  if (!match) return undefined;
  return Number(match[1]) * sizes[(match[2] ?? match[3] ?? "b").toLowerCase()]!;
}
