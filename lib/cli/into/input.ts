/**
 * Reads a file, or standard input. In: bytes. Out: record batches, or rows of texts, which Spark gives types to (typed-text.ts).
 * Memory: a row group of Parquet, a record batch of Arrow, 64 KiB of text.
 */
import { createReadStream, openAsBlob } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { type RecordBatch, RecordBatchReader, tableFromIPC } from "apache-arrow";
import { registerCodecs } from "../../arrow/decode/arrow-reader.js";
import { SparkStreamError } from "../../errors.js";
import type { InputFormat } from "./into-command.js";

type Source = (path: string) => AsyncGenerator<RecordBatch>;

/** Record batches, with the types of the file. @throws SparkStreamError INVALID_INPUT, UNSUPPORTED */
export const batchSources: Readonly<Record<Exclude<InputFormat, "csv" | "ndjson">, Source>> = {
  arrow: arrowBatches,
  arrows: arrowBatches,
  parquet: parquetBatches,
};

async function* arrowBatches(path: string): AsyncGenerator<RecordBatch> {
  await registerCodecs();
  const file = path === "-" ? undefined : await opened(path);
  try {
    yield* file ? await RecordBatchReader.from(file) : await RecordBatchReader.from(process.stdin);
  } catch (cause) {
    throw unreadable(path, "Arrow data", cause);
  } finally {
    await file?.close();
  }
}

async function* parquetBatches(path: string): AsyncGenerator<RecordBatch> {
  if (path === "-") {
    const message = "Parquet cannot be read from standard input, since its end comes first. Give --input a path.";
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  const { ParquetFile } = await parquetPackage();
  await (await opened(path)).close(); // says what is wrong with the path
  try {
    const file = await ParquetFile.fromFile(await openAsBlob(path));
    const groups = file.metadata().numRowGroups();
    for (let group = 0; group < groups; group++) {
      const table = await file.read({ rowGroups: [group], batchSize: 65_536 });
      yield* tableFromIPC(table.intoIPCStream()).batches;
    }
  } catch (cause) {
    throw unreadable(path, "Parquet", cause);
  }
}

interface ParquetPackage {
  readonly ParquetFile: {
    fromFile(file: Blob): Promise<{
      metadata(): { numRowGroups(): number };
      read(options: { rowGroups: number[]; batchSize: number }): Promise<{ intoIPCStream(): Uint8Array }>;
    }>;
  };
}

async function parquetPackage(): Promise<ParquetPackage> {
  const name: string = "parquet-wasm";
  try {
    return (await import(name)) as ParquetPackage;
  } catch (cause) {
    const message =
      "Parquet is read with the package parquet-wasm, which is not installed. Install it: npm install parquet-wasm. Or let it be fetched: npx -p spark-arrow-stream -p parquet-wasm spark-arrow-stream …";
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}

/** A CSV file, whose first line has the names of its columns. */
export interface CsvInput {
  readonly columns: readonly string[];
  /** A field without quotes and text is null. */
  readonly rows: AsyncIterable<Record<string, string | null>>;
}

/** @throws SparkStreamError INVALID_INPUT */
export async function csvInput(path: string): Promise<CsvInput> {
  const { parse } = await import("csv-parse");
  const cast = (text: string, { quoting }: { quoting: boolean }) => (text === "" && !quoting ? null : text);
  const parser = Readable.from(textOf(path)).compose(parse({ cast: cast as never }) as never) as AsyncIterable<
    (string | null)[]
  >;
  const lines = parser[Symbol.asyncIterator]();
  const next = async () => {
    try {
      return await lines.next();
    } catch (cause) {
      throw unreadable(path, "CSV", cause);
    }
  };
  const head = await next();
  if (head.done)
    throw new SparkStreamError(
      "INVALID_INPUT",
      `${shownName(path)} is empty: the first line of CSV has the names of its columns.`,
    );
  const columns = head.value.map((name) => name ?? "");
  const wrong = columns.find((name, index) => name === "" || columns.indexOf(name) < index);
  if (wrong !== undefined) {
    const what = wrong === "" ? "a column without a name" : `two columns ${JSON.stringify(wrong)}`;
    throw new SparkStreamError(
      "INVALID_INPUT",
      `The first line of ${shownName(path)} must have the names of the columns, and has ${what}.`,
    );
  }
  async function* rows() {
    for (let line = await next(); !line.done; line = await next()) {
      yield Object.fromEntries(line.value.map((text, index) => [columns[index]!, text]));
    }
  }
  return { columns, rows: rows() };
}

/** The lines of a file that are not blank. @throws SparkStreamError INVALID_INPUT */
export async function* textLines(path: string): AsyncGenerator<{ value: string }> {
  let rest = "";
  for await (const text of textOf(path)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const value of lines) if (value.trim() !== "") yield { value };
  }
  if (rest.trim() !== "") yield { value: rest };
}

/** Text in UTF-8, unpacked if its name ends with .gz. @throws SparkStreamError INVALID_INPUT */
async function* textOf(path: string): AsyncGenerator<string> {
  if (path !== "-") await (await opened(path)).close(); // says what is wrong with the path
  const bytes: Readable = path === "-" ? process.stdin : createReadStream(path);
  const unpacked: Readable = path.endsWith(".gz") ? pipeline(bytes, createGunzip(), () => {}) : bytes; // its errors come by the loop
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of unpacked) yield decoder.decode(chunk as Uint8Array, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    throw unreadable(path, "text in UTF-8", cause);
  }
}

async function opened(path: string) {
  try {
    return await open(path);
  } catch (cause) {
    throw new SparkStreamError("INVALID_INPUT", `Cannot read --input: ${(cause as Error).message}.`, { cause });
  }
}

function unreadable(path: string, what: string, cause: unknown): SparkStreamError {
  if (cause instanceof SparkStreamError) return cause;
  return new SparkStreamError(
    "INVALID_INPUT",
    `${shownName(path)} is no ${what} that can be read: ${(cause as Error).message}. Nothing was written.`,
    { cause },
  );
}

function shownName(path: string): string {
  return path === "-" ? "Standard input" : path;
}
