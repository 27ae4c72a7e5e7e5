/**
 * Decides how many rows a task's batch has, and whether Spark must count their bytes, too.
 *
 * Spark ends a batch for a Python function when it has maxRecordsPerBatch rows or, in 4.3, 64 MiB. For the latter it
 * adds up the buffers of all columns after each row, which took half of the JVM's time for a frame of six columns. So
 * the count is turned off if batches stay within that size without it.
 */
import { DataType, type Field } from "apache-arrow";
import { type RuntimeConf, settingOr } from "../../connect/session/conf.js";
import type { CallOptions } from "../../runtime/call-options.js";
import type { BatchOptions } from "../query-conf.js";

/** Spark's own bound. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** The same, in Spark's notation. */
const SPARKS_DEFAULT = `${BATCH_BYTES}b`;
/** The assumed upper bound for the average length of a column's strings, in bytes. */
const LONG_STRING = 16 * 1024;
/** Batches of fewer rows would cost more than they save. */
const FEW_ROWS = 1_000;
/** The setting that means no bound on bytes. */
const UNBOUNDED = 2 ** 31 - 1;

type Bounds = Pick<BatchOptions, "maxRecordsPerBatch" | "maxBytesPerBatch">;

/**
 * @returns the settings for a query whose rows have these fields, `maxRecordsPerBatch` as requested, if given; and the rows that
 *   the request or the session allows in a batch, or Infinity
 */
export async function boundsOf(
  conf: RuntimeConf,
  fields: readonly Field[],
  maxRecordsPerBatch: number | undefined,
  options: CallOptions = {},
): Promise<{ bounds: Bounds; mostRows: number }> {
  // Falls back to Spark's defaults for a server without these settings.
  const [rows, bytes] = await Promise.all([
    settingOr(conf, "spark.sql.execution.arrow.maxRecordsPerBatch", "10000", options),
    settingOr(conf, "spark.sql.execution.arrow.maxBytesPerBatch", SPARKS_DEFAULT, options),
  ]);
  const ofSession = Number(rows);
  // A setting that a user has changed is kept.
  const isDefault = bytes === SPARKS_DEFAULT;
  const bounds = isDefault ? batchBounds(fields, maxRecordsPerBatch, ofSession) : measured(maxRecordsPerBatch);
  return { bounds, mostRows: rowsAllowed(maxRecordsPerBatch, ofSession) };
}

/**
 * @param given the requested rows per batch
 * @param ofSession the session's rows per batch; 0 or less means no bound
 */
export function batchBounds(fields: readonly Field[], given: number | undefined, ofSession: number): Bounds {
  const fitting = Math.floor(BATCH_BYTES / Math.max(1, rowBytes(fields, LONG_STRING)));
  const wanted = rowsAllowed(given, ofSession);
  const rows = given ?? Math.min(wanted, fitting);
  if (rows > fitting || rows < Math.min(wanted, FEW_ROWS)) return measured(given);
  return { maxRecordsPerBatch: rows, maxBytesPerBatch: UNBOUNDED };
}

function rowsAllowed(given: number | undefined, ofSession: number): number {
  return given ?? (ofSession > 0 ? ofSession : Number.POSITIVE_INFINITY);
}

/** Bounds with which Spark counts the bytes of the rows, as by default. */
function measured(given: number | undefined): Bounds {
  return given === undefined ? {} : { maxRecordsPerBatch: given };
}

/** Bytes of Arrow data per row, if strings have this length; Infinity if a row can have any length. */
export function rowBytes(fields: readonly Field[], stringBytes: number): number {
  return fields.reduce((bytes, { type }) => bytes + valueBytes(type, stringBytes), 0);
}

function valueBytes(type: DataType, stringBytes: number): number {
  if (DataType.isStruct(type)) return rowBytes(type.children, stringBytes);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return stringBytes;
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isList(type) || DataType.isMap(type)) {
    return Number.POSITIVE_INFINITY;
  }
  return 16; // the widest of the others, decimals and intervals
}
