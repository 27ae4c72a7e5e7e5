/**
 * sparkWriter(): record batches, or row objects, into a table, or files that Spark writes. In, apache-arrow RecordBatch, all of one
 * schema, or objects; out, rows in Spark, committed when the Writable finishes. Memory: `readAheadBytes` of Arrow data, and what ingest/ says.
 */
import type { Writable } from "node:stream";
import type { DataFrame, SparkSession } from "./connect/session/session.js";
import type { WriteFrame, WriterMetrics } from "./ingest/ingest.js";
import { rowWriter } from "./ingest/row-writer.js";
import { isWanted } from "./ingest/upload/existing-target.js";
import type { RunOptions } from "./runtime/call-options.js";
import { checkWrite, type SparkWriterOptions, type WriteTarget } from "./write-options.js";

/** The Writable that {@link sparkWriter} returns: in objectMode, of apache-arrow RecordBatch, or of row objects. */
export interface SparkWriter extends Writable {
  readonly metrics: WriterMetrics;
}

/**
 * A Writable (object mode) whose record batches Spark writes into a table, or as files: `pipeline(source, sparkWriter(spark,
 * { table: "lake.trips" }, { mode: "append" }))`.
 *
 * Row objects are taken, too: their columns are those of the option `schema`, or of the first 1,000 rows.
 *
 * "finish" comes when Spark has committed. A writer that is destroyed, or fails, interrupts the query, and nothing is visible, as far
 * as the format's own commit goes: see docs/into-spark.md.
 *
 * @throws SparkStreamError INVALID_ARGUMENT or SESSION_CLOSED, at the call. Errors of the stream: QUERY_FAILED; UNSUPPORTED_TYPE,
 *   SCHEMA_MISMATCH and INVALID_INPUT for what Spark or the table cannot take; INPUT_LOST if a task fails after it took rows, or an
 *   executor goes with some; by "upload" MESSAGE_TOO_LARGE for more than 64 MiB to a server without checkpoints; by "pull"
 *   UNREACHABLE and UNSUPPORTED if executors cannot fetch.
 */
export function sparkWriter(spark: SparkSession, target: WriteTarget, options: SparkWriterOptions = {}): SparkWriter {
  checkWrite(spark, target, options);
  spark.checkOpen();
  const { mode = "error" } = options;
  const write: WriteFrame = (frame, run) => writeTo(target, options, frame, run);
  return rowWriter("sparkWriter()", spark, write, {
    ...options,
    isWanted: (schema, run) => isWanted(spark, target, mode, schema, run),
  });
}

/** @internal Has Spark write a frame there. */
export async function writeTo(
  { table, path, format }: WriteTarget,
  { mode, partitionBy, options }: Pick<SparkWriterOptions, "mode" | "partitionBy" | "options">,
  frame: DataFrame,
  run: RunOptions,
): Promise<void> {
  let writer = frame.write;
  if (format !== undefined) writer = writer.format(format);
  if (mode !== undefined) writer = writer.mode(mode);
  if (partitionBy && partitionBy.length > 0) writer = writer.partitionBy(...partitionBy);
  if (options) writer = writer.options(options);
  if (table !== undefined) await writer.saveAsTable(table, run);
  else await writer.save(path, run);
}
