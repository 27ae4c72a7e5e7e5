import { CODEC_CONF } from "../connect/rpc/stream-limits.js";
import type { QueryConf } from "../connect/session/query-session.js";
import type { SparkStreamOptions } from "../stream-options.js";

/** The options of a stream that are settings of Spark. */
export interface BatchOptions extends Pick<SparkStreamOptions, "maxRecordsPerBatch" | "compression"> {
  /** Bounds the batches that a Python function receives. Spark 4.3 or later. */
  maxBytesPerBatch?: number;
}

/** The settings of a query with these options. */
export function queryConf({ maxRecordsPerBatch, maxBytesPerBatch, compression }: BatchOptions): QueryConf {
  const conf = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": maxRecordsPerBatch,
    "spark.sql.execution.arrow.maxBytesPerBatch": maxBytesPerBatch,
    [CODEC_CONF]: compression,
  };
  const given = Object.entries(conf).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, String(value)]));
}
