/**
 * How many rows a task takes at once, and whether Spark has to look at their bytes, too.
 *
 * Spark ends a batch for a Python function when it has maxRecordsPerBatch rows or, in 4.3, 64 MiB; for the latter it adds up
 * the buffers of all columns after each row. For a frame of six columns that was half of the time of its JVM. So it is spared
 * that if the rows are bound to stay within as many bytes without it.
 */
import { DataType, type Field } from "apache-arrow";
import { type RuntimeConf, settingOr } from "../../connect/session/conf.js";
import type { CallOptions } from "../../runtime/call-options.js";
import type { BatchOptions } from "../query-conf.js";

/** Spark's own bound. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** The same, as Spark writes it. */
const SPARKS_DEFAULT = `${BATCH_BYTES}b`;
/** Bytes that the strings of a column are taken to have on average, at most. */
const LONG_STRING = 16 * 1024;
/** Batches of fewer rows would cost more than is won. */
const FEW_ROWS = 1_000;
/** What Spark takes for no bound on bytes. */
const UNBOUNDED = 2 ** 31 - 1;

type Bounds = Pick<BatchOptions, "maxRecordsPerBatch" | "maxBytesPerBatch">;

/** @returns the settings for a query whose rows have these fields; `maxRecordsPerBatch` as requested, if it was */
export async function boundsOf(
  conf: RuntimeConf,
  fields: readonly Field[],
  maxRecordsPerBatch: number | undefined,
  options: CallOptions = {},
): Promise<Bounds> {
  // With Spark's own defaults, for a server that knows no such settings.
  const [rows, bytes] = await Promise.all([
    settingOr(conf, "spark.sql.execution.arrow.maxRecordsPerBatch", "10000", options),
    settingOr(conf, "spark.sql.execution.arrow.maxBytesPerBatch", SPARKS_DEFAULT, options),
  ]);
  if (bytes === SPARKS_DEFAULT) return batchBounds(fields, maxRecordsPerBatch, Number(rows));
  return measured(maxRecordsPerBatch); // what somebody has chosen stays
}

/**
 * @param given the rows per batch that were asked for
 * @param ofSession those that the session has; none for 0 or less
 */
export function batchBounds(fields: readonly Field[], given: number | undefined, ofSession: number): Bounds {
  const fitting = Math.floor(BATCH_BYTES / Math.max(1, rowBytes(fields)));
  const wanted = given ?? (ofSession > 0 ? ofSession : Number.POSITIVE_INFINITY);
  const rows = given ?? Math.min(wanted, fitting);
  if (rows > fitting || rows < Math.min(wanted, FEW_ROWS)) return measured(given);
  return { maxRecordsPerBatch: rows, maxBytesPerBatch: UNBOUNDED };
}

/** Spark looks at the bytes of the rows, as it does by itself. */
function measured(given: number | undefined): Bounds {
  return given === undefined ? {} : { maxRecordsPerBatch: given };
}

/** Bytes of Arrow data per row; Infinity if a row can have any length. */
function rowBytes(fields: readonly Field[]): number {
  return fields.reduce((bytes, { type }) => bytes + valueBytes(type), 0);
}

function valueBytes(type: DataType): number {
  if (DataType.isStruct(type)) return rowBytes(type.children);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return LONG_STRING;
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isList(type) || DataType.isMap(type)) {
    return Number.POSITIVE_INFINITY;
  }
  return 16; // the widest of the others, decimals and intervals
}
