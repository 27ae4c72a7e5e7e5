/** A file into a table, or into files that Spark writes. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Field, type RecordBatch, Schema, Utf8 } from "apache-arrow";
import type { SparkSession } from "../../connect/index.js";
import { isWanted } from "../../ingest/upload/existing-target.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { sparkWriter, writeTo } from "../../spark-writer.js";
import { batchSources, csvInput, textLines } from "./input.js";
import type { IntoCommand } from "./into-command.js";
import { type Columns, columnsOf, csvExpressions, parsedJson } from "./typed-text.js";

/** @returns the rows that were read @throws SparkStreamError */
export async function writeInto(session: SparkSession, command: IntoCommand, signal: AbortSignal): Promise<number> {
  const { format } = command;
  if (format === "csv" || format === "ndjson") return await writeText(session, { ...command, format }, { signal });
  return await writeBatches(session, batchSources[format](command.input), command, signal);
}

async function writeBatches(
  session: SparkSession,
  batches: AsyncIterable<RecordBatch>,
  { into: target, mode, partitionBy, delivery, pull }: IntoCommand,
  signal: AbortSignal,
): Promise<number> {
  const options = { mode, partitionBy, delivery, ...(pull && { pull }), signal };
  const writer = sparkWriter(session, target, options);
  await pipeline(Readable.from(batches), writer, { signal });
  return writer.metrics.rows;
}

type TextCommand = IntoCommand & { readonly format: "csv" | "ndjson" };

/** Texts go to Spark as they are, and become values there: by the columns that the target has, if it is there. */
async function writeText(
  session: SparkSession,
  command: TextCommand,
  run: RunOptions & { signal: AbortSignal },
): Promise<number> {
  const { into: target, mode, delivery, pull, format } = command;
  const columns = await wantedColumns(session, command, run);
  const { names, rows } = await textOf(command);
  const schema = new Schema(names.map((name) => new Field(name, new Utf8(), true)));
  if (!(await isWanted(session, target, mode, columns ? new Schema([]) : schema, run))) return 0;
  let count = 0;
  async function* counted() {
    for await (const row of rows) {
      count++;
      yield row;
    }
  }
  // To infer types, Spark reads all rows before it reads them again.
  const once = delivery === "pull" && (format === "csv" || columns !== undefined);
  const texts = session.fromStream(counted(), { schema, delivery, once, ...(pull && { pull }) });
  const frame = format === "csv" ? texts.select(...csvExpressions(names, columns)) : parsedJson(texts, columns);
  try {
    await writeTo(target, command, frame, run);
  } finally {
    await texts.unpersist();
  }
  return count;
}

async function textOf({ format, input }: TextCommand) {
  if (format === "ndjson") return { names: ["value"], rows: textLines(input) as AsyncIterable<object> };
  const { columns, rows } = await csvInput(input);
  return { names: columns, rows: rows as AsyncIterable<object> };
}

/** Those that were given; or of a table that stays. */
async function wantedColumns(
  session: SparkSession,
  { schema, into: { table }, mode }: TextCommand,
  run: RunOptions,
): Promise<Columns | undefined> {
  if (schema !== undefined) return await columnsOf(session, schema, run);
  if (table === undefined || mode !== "append" || !(await session.catalog.tableExists(table, run))) return undefined;
  return await session.table(table).dtypes(run);
}
