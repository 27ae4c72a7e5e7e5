// What other libraries, and Spark, read of files that the writers wrote, and where that is not what was written.
import { basename, extname } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import {
  arrowIpcBytes,
  arrowWriter,
  csvWriter,
  type DataFrame,
  ndjsonWriter,
  parquetWriter,
  type SparkSession,
  SparkStreamError,
} from "../../lib/index.js";
import { byteWriter } from "../../lib/sinks/files/byte-writer.js";
import { runPython } from "./python.js";
import { arrowScript } from "./writers.js";

/** Columns by their names, in order, of values as text: "2", "[1, 2]", "{a: 1}"; times as nanoseconds, bytes in hex. */
export type TextTable = readonly (readonly [name: string, values: readonly (string | null)[]])[];

type Read = { error: string } | { names: string[]; columns: (string | null)[][] };
/** By the reader's name. */
export type Reads = Readonly<Record<string, Read>>;

const NULL_TEXT = "\\N";
const withNullText = (path: string) => basename(path).includes("null_text");

/** Writers by the endings of paths. */
export const writersByEnding: Readonly<Record<string, (path: string) => Writable>> = {
  ".parquet": (path) => parquetWriter(path),
  ".arrow": (path) => arrowWriter(path),
  ".arrows": (path) => arrowWriter(path),
  ".ndjson": (path) => ndjsonWriter(path),
  ".csv": (path) => csvWriter(path, withNullText(path) ? { nullText: NULL_TEXT } : {}),
};

/** Writes batches to a path, in the format of its ending. */
export const write = (path: string, batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>) =>
  pipeline(Readable.from(batches), writersByEnding[extname(path)]!(path));

/** What all readers make of the files, by the paths. */
export async function readByOthers(paths: readonly string[], spark: SparkSession): Promise<Map<string, Reads>> {
  const bySpark = new Map<string, string | { error: string }>();
  for (const path of paths) {
    const frame = readBySpark(path, spark);
    if (frame === undefined) continue;
    const copy = `${path}.spark.arrows`;
    const failed = await pipeline(arrowIpcBytes(frame), byteWriter(copy)).catch((error: unknown) => error);
    if (failed !== undefined && !(failed instanceof SparkStreamError)) throw failed;
    bySpark.set(path, failed ? { error: failed.errorClass ?? failed.message } : copy);
  }
  const copies = [...bySpark.values()].filter((copy) => typeof copy === "string");
  const found = (await runPython(arrowScript("other_readers"), [...paths, ...copies])) as Record<string, Reads>;
  return new Map(
    paths.map((path) => {
      const copy = bySpark.get(path);
      const spark: Read | undefined = typeof copy === "string" ? found[copy]!.pyarrow : copy;
      return [path, { ...found[path], ...(spark && { spark }) }];
    }),
  );
}

function readBySpark(path: string, { read }: SparkSession): DataFrame | undefined {
  switch (extname(path)) {
    case ".parquet":
      return read.parquet(path);
    case ".csv": {
      const options = {
        header: true,
        multiLine: true,
        escape: '"',
        ...(withNullText(path) && { nullValue: NULL_TEXT }),
      };
      return Object.entries(options)
        .reduce((reader, [name, value]) => reader.option(name, value), read)
        .csv(path);
    }
    case ".ndjson":
      return read.json(path);
    default:
      return undefined;
  }
}

/** One line for each reader and column that is not what was written: `polars: a: ["1"]`; of an error its class. */
export function differences(expected: TextTable, reads: Reads): string[] {
  return Object.entries(reads).flatMap(([reader, read]) => {
    if ("error" in read) return [`${reader}: ${read.error.split(":")[0]}`];
    // Spark sorts the names that it finds in JSON.
    const places = new Map(read.names.map((name, index) => [name, index]));
    const unique = new Set(expected.map(([name]) => name)).size === expected.length;
    const same = unique && places.size === expected.length && expected.every(([name]) => places.has(name));
    return expected.flatMap(([name, values], index) => {
      const found: string[] = [];
      const place = same ? places.get(name)! : index;
      const actual = read.names[place];
      if (actual !== name) found.push(`${reader}: ${JSON.stringify(name)} is ${JSON.stringify(actual)}`);
      const column = read.columns[place];
      if (column && JSON.stringify(column) !== JSON.stringify(values))
        found.push(`${reader}: ${name}: ${JSON.stringify(column)}`);
      return found;
    });
  });
}
