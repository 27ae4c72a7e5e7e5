/**
 * Results as most programs want them: rows, or one table, or text. Each is a thin layer over sparkStream(); what is collected
 * is bounded in bytes of Arrow data.
 */
import type { Readable } from "node:stream";
import type { RecordBatch, Table } from "apache-arrow";
import type { CollectOptions, DataFrameRows, Results, Row, RowsOfOptions } from "./connect/session/results.js";
import type { DataFrame, SparkSession } from "./connect/session/session.js";
import { SparkStreamError } from "./errors.js";
import { fromStream } from "./from-stream.js";
import { byteCount, checkArgument, isBag, type Rule } from "./runtime/check-options.js";
import { turn } from "./runtime/event-loop.js";
import type { BatchReader } from "./sinks/text/row-reader.js";
import { checkValues, rows, valueOptionNames } from "./sinks/text/rows.js";
import type { ValueOptions } from "./sinks/values/value-options.js";
import { type SparkStream, sparkStream } from "./spark-stream.js";
import type { SparkStreamOptions } from "./stream-options.js";

const MAX_BYTES = 256 * 1024 * 1024;

/** A session has them from the beginning, so that connect/ need not know the streams that are above it. */
export const results: Results = {
  fromStream: (session, source, options) => fromStream(session as SparkSession, source, options),
  rows: (frame, options) => rowsOf(frame as DataFrame, options),

  async collect(frame, options) {
    const { maxBytes, ...others } = checked("collect()", options);
    const [values, stream] = split(others);
    checkValues("collect()", values);
    const { batchReader } = await import("./sinks/text/row-reader.js");
    const read = batchReader("collect()", values);
    return await collectRows(bounded(sparkStream(frame as DataFrame, stream), maxBytes, "collect()"), read);
  },

  async toTable(frame, options): Promise<Table> {
    const { maxBytes, ...others } = checked("toTable()", options);
    const stream = sparkStream(frame as DataFrame, others);
    const batches: RecordBatch[] = [];
    for await (const batch of bounded(stream, maxBytes, "toTable()")) batches.push(batch);
    const { Table } = await import("apache-arrow");
    return new Table(batches);
  },
};

/** All rows of the batches, in an array. The event loop turns in between. */
export async function collectRows(batches: AsyncIterable<RecordBatch>, read: BatchReader): Promise<Row[]> {
  const found: Row[] = [];
  for await (const batch of batches) {
    for (const window of read(batch)) {
      if (!window) await turn();
      else for (let row = 0; row < window.rows; row++) found.push(window.rowOf(row));
    }
  }
  return found;
}

function rowsOf(frame: DataFrame, options: RowsOfOptions): DataFrameRows {
  checkArgument("rows()", "options", options, bag);
  const [values, stream] = split(options);
  checkValues("rows()", values);
  return sparkStream(frame, stream).compose(rows(values)) as Readable as DataFrameRows;
}

const bag: Rule = [isBag, "an object of options"];

/** The other options are checked by what takes them. @throws SparkStreamError INVALID_ARGUMENT */
function checked<O extends Pick<CollectOptions, "maxBytes">>(of: string, options: O): O {
  checkArgument(of, "options", options, bag);
  if (options.maxBytes !== undefined) checkArgument(of, "maxBytes", options.maxBytes, byteCount);
  return options;
}

/** The options of the values, and those of the stream. */
function split(options: RowsOfOptions): [ValueOptions, SparkStreamOptions] {
  const entries = Object.entries(options);
  const isValue = ([name]: [string, unknown]) => valueOptionNames.includes(name);
  const values = Object.fromEntries(entries.filter(isValue)) as ValueOptions;
  return [values, Object.fromEntries(entries.filter((entry) => !isValue(entry))) as SparkStreamOptions];
}

async function* bounded(stream: SparkStream, maxBytes: CollectOptions["maxBytes"] = MAX_BYTES, of: string) {
  for await (const batch of stream) {
    if (stream.metrics.bytes > maxBytes) {
      const message = `The result is over the ${maxBytes} bytes of Arrow data that ${of} takes. Read it as a stream, for await (const row of df.rows()), or give a larger maxBytes.`;
      throw new SparkStreamError("RESULT_TOO_LARGE", message);
    }
    yield batch;
  }
}
