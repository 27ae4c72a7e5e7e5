/**
 * What a user's TypeScript sees, as assertions: package.test.ts compiles this file against the packed package, with several
 * versions of TypeScript and of Node's types. Nothing here runs.
 */
import { finished, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch, Schema, Table } from "apache-arrow";
import {
  arrowIpcBytes,
  arrowWriter,
  type BatchWritable,
  type CatalogTable,
  type CreateDataFrameOptions,
  col,
  connect,
  csvWriter,
  type DataFrame,
  type ErrorCode,
  type errorCodes,
  type LargePartition,
  type LocalData,
  ndjsonWriter,
  rows as objects,
  parquetWriter,
  type Row,
  type SparkSession,
  type SparkStream,
  SparkStreamError,
  type SparkStreamOptions,
  type StreamMetrics,
  type StreamProgress,
  sparkStream,
  sparkWriter,
  splitSparkStream,
} from "spark-arrow-stream";
import { startLocalSpark } from "spark-arrow-stream/local";
import { startScriptedServer } from "spark-arrow-stream/testing";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>) => {};

interface Trip {
  readonly id: bigint;
  readonly city: string;
}

export async function streams(spark: SparkSession): Promise<number> {
  const stream = sparkStream(spark.sql("SELECT :a", { a: 1 }).where("true"), { readAheadBytes: 1 });
  same<typeof stream, SparkStream>(true);
  const schema: Schema = await stream.schema;
  finished(stream, () => {});
  const web = Readable.toWeb(stream);
  await pipeline(stream, parquetWriter("x.parquet"), { signal: AbortSignal.timeout(1) });
  await pipeline(stream, new Writable({ objectMode: true }));
  await pipeline(stream, objects({ decimals: "number" }), new Writable({ objectMode: true }));
  for (const writer of [arrowWriter, csvWriter, ndjsonWriter])
    await pipeline(stream, writer(process.stdout, { schema }));
  await pipeline(arrowIpcBytes(spark.table("t")), process.stdout);
  stream.pipe(parquetWriter("y.parquet")).on("finish", () => {});
  const metrics: StreamMetrics = stream.metrics;
  same<typeof metrics.rows, number>(true);
  let rows = schema.fields.length + (web.locked ? 1 : 0);
  for await (const batch of stream) {
    same<typeof batch, RecordBatch>(true);
    rows += batch.numRows;
  }
  for (const part of splitSparkStream(spark.table("t"), 2)) same<typeof part, SparkStream>(true);
  return rows;
}

/** A listener gets the type of its event, under any of the methods, and may have any name that core knows. */
export function events(stream: SparkStream): SparkStream {
  stream.once("progress", (progress) => same<typeof progress, StreamProgress>(true));
  stream.off("largePartition", (partition) => same<typeof partition, LargePartition>(true));
  stream.on("end", () => {}).on("error", (error) => error.message);
  arrowIpcBytes([]).on("data", (bytes) => same<typeof bytes, Uint8Array>(true));
  return stream.on("data", (batch) => same<typeof batch, RecordBatch>(true));
}

/** A sink takes record batches, and nothing else. */
export function sinks(batch: RecordBatch): void {
  const writer = parquetWriter("x.parquet");
  same<typeof writer, BatchWritable>(true);
  writer.write(batch);
  writer.end(batch, () => {});
  // @ts-expect-error a row is no record batch
  writer.write({ id: 1 });
  // @ts-expect-error bytes are no record batch
  writer.end(new Uint8Array());
}

/** Options belong to their delivery. */
export const options: SparkStreamOptions[] = [
  { delivery: "staged", staged: { windowBytes: 1 } },
  { delivery: "push", push: {} },
  {},
  // @ts-expect-error these options are those of another delivery
  { delivery: "result", staged: { windowBytes: 1 } },
  // @ts-expect-error these options are those of another delivery
  { delivery: "staged", push: {} },
];

/** Rows of any interface, tables, and batches. */
export function created(spark: SparkSession, trips: readonly Trip[], batch: RecordBatch): DataFrame {
  const options: CreateDataFrameOptions = { schema: "id BIGINT, city STRING" };
  const data: LocalData[] = [trips, [batch], batch, new Set(trips)];
  // @ts-expect-error a number is no row
  spark.createDataFrame([1]);
  return spark.createDataFrame(trips, options).union(spark.createDataFrame(data[0]!));
}

export async function results(df: DataFrame): Promise<void> {
  const all = await df.collect<Trip>();
  same<typeof all, Trip[]>(true);
  const first = await df.where(`${col("unit price")} > :p`, { p: 1 }).first<Trip>();
  same<typeof first, Trip | undefined>(true);
  const untyped = await df.take(3, { json: true });
  same<typeof untyped, Row[]>(true);
  for await (const trip of df.rows<Trip>()) same<typeof trip, Trip>(true);
  const table = await df.toTable();
  same<typeof table, Table>(true);
  const tables = await df.session.catalog.listTables();
  same<typeof tables, CatalogTable[]>(true);
  // @ts-expect-error a function is no parameter
  df.where("a = :a", { a: () => {} });
  // @ts-expect-error there is no such way to join
  df.join(df, "id", "sideways");
}

/** Nothing of the inside is to be seen: no client, no plan, no constructor's arguments. */
export type Inside = [
  // @ts-expect-error internal
  SparkSession["client"],
  // @ts-expect-error internal
  DataFrame["relation"],
  // @ts-expect-error internal
  SparkStream["hand"],
];

/** The way back: batches or rows into Spark. */
export async function intoSpark(spark: SparkSession, batch: RecordBatch): Promise<DataFrame> {
  const writer = sparkWriter(spark, { table: "t" }, { mode: "append", pull: { spool: true } });
  await pipeline(Readable.from([batch]), writer);
  same<typeof writer.metrics.rows, number>(true);
  // @ts-expect-error a table or a path, not both
  sparkWriter(spark, { table: "t", path: "p" });
  const people = spark.createDataFrame([{ id: 1n, name: "a" }], { schema: "id BIGINT, name STRING" });
  return spark.fromStream(Readable.from([batch]), { readAheadBytes: 1 }).join(people, "id");
}

export function failures(error: unknown): ErrorCode | undefined {
  if (!(error instanceof SparkStreamError)) return undefined;
  same<typeof error.retryable, boolean>(true);
  same<keyof typeof errorCodes, ErrorCode>(true);
  return error.code;
}

export async function main(): Promise<number> {
  await using spark = await connect("sc://localhost", { token: async () => "t" });
  await using other = await spark.newSession();
  return (await streams(spark)) + (await streams(other));
}
export const others = [startLocalSpark, startScriptedServer];
