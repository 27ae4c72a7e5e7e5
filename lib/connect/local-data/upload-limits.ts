/** What the server says about rows that a client sends: its settings, asked for before anything is sent. */
import { isRefusal } from "../rpc/refusal.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";

const KIB = 1024;
const MIB = 1024 * KIB;

const keys = {
  cacheThreshold: "spark.sql.session.localRelationCacheThreshold",
  sizeLimit: "spark.sql.session.localRelationSizeLimit",
  chunkBytes: "spark.sql.session.localRelationChunkSizeBytes",
  broadcastThreshold: "spark.sql.autoBroadcastJoinThreshold",
} as const;

export const SIZE_LIMIT = keys.sizeLimit;

export interface UploadLimits {
  /** Bytes from which on rows are uploaded, and do not travel within the plan. */
  readonly cacheThreshold: number;
  /** Bytes of all rows. */
  readonly sizeLimit: number;
  /** Bytes of a portion. */
  readonly portionBytes: number;
  /** Whether the server knows relations that are uploaded in portions: Spark 4.1 and later. */
  readonly inPortions: boolean;
  readonly broadcastThreshold: number;
}

/** Larger ones, such as the 64 MiB of Spark 3.5, would be sent again with every call that has the plan. */
const MOST_INLINE = MIB;
const MOST_PORTION = 4 * MIB;
/** Spark's own default. */
const BROADCAST = 10 * MIB;

/** @throws SparkStreamError, as any call; AbortError */
export async function uploadLimits(client: SparkConnectClient, signal: AbortSignal | undefined): Promise<UploadLimits> {
  const settings = await client
    .config({ case: "getOption", value: { keys: Object.values(keys) } }, { signal })
    .catch((error) => {
      if (isRefusal(error)) return []; // a hosted server that shows no settings
      throw error;
    });
  const bytes = (key: keyof typeof keys) => bytesOf(settings.find((pair) => pair.key === keys[key])?.value);
  const chunkBytes = bytes("chunkBytes");
  return {
    cacheThreshold: Math.min(bytes("cacheThreshold") ?? MOST_INLINE, MOST_INLINE),
    sizeLimit: bytes("sizeLimit") ?? Number.POSITIVE_INFINITY,
    portionBytes: Math.min(chunkBytes ?? MOST_PORTION, MOST_PORTION),
    inPortions: chunkBytes !== undefined,
    broadcastThreshold: bytes("broadcastThreshold") ?? BROADCAST,
  };
}

const units: Readonly<Record<string, number>> = { "": 1, b: 1, k: KIB, m: MIB, g: KIB * MIB, t: MIB * MIB };

/** Spark's way to write bytes: "10MB", "64m", "1048576b", "-1". */
function bytesOf(text: string | undefined): number | undefined {
  const [, number, unit] = /^(-?\d+)\s*([bkmgt]?)b?$/i.exec(text ?? "") ?? [];
  return number === undefined ? undefined : Number(number) * units[unit!.toLowerCase()]!;
}
