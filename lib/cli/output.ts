/** Writes a DataFrame to the target, in the requested format. */
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DataFrame } from "../connect/index.js";
import { arrowWriter } from "../sinks/arrow-writer.js";
import { byteWriter } from "../sinks/files/byte-writer.js";
import { type ParquetWriterOptions, parquetWriter } from "../sinks/parquet-writer.js";
import { csvWriter } from "../sinks/text/csv-writer.js";
import { ndjsonWriter } from "../sinks/text/ndjson-writer.js";
import type { TextCompressionOptions } from "../sinks/text/text-writer.js";
import { arrowIpcBytes, sparkStream } from "../spark-stream.js";
import type { SparkStreamOptions } from "../stream-options.js";
import type { Command } from "./command.js";

/** The stream that is being written, for its progress. */
export type ResultStream = ReturnType<typeof sparkStream> | ReturnType<typeof arrowIpcBytes>;

export interface Writing {
  readonly stream: ResultStream;
  /** Settles when the target is complete, or was removed. */
  readonly done: Promise<void>;
}

export function write(frame: DataFrame, command: Command, signal: AbortSignal): Writing {
  const { format, output, compression } = command;
  const target = output === "-" ? process.stdout : output;
  const options: SparkStreamOptions = { ...command.stream };
  if (format === "arrows") {
    // Forwards the bytes: nothing is decoded, and Spark's compression is kept.
    if (compression !== undefined) options.compression = compression as "none" | "zstd";
    const stream = arrowIpcBytes(frame, options);
    return { stream, done: pipeline(stream, byteWriter(target), { signal }) };
  }
  const stream = sparkStream(frame, options);
  return { stream, done: pipeline(stream, writers[format](target, compression), { signal }) };
}

const writers: {
  readonly [format in Exclude<Command["format"], "arrows">]: (
    target: string | Writable,
    compression: string | undefined,
  ) => Writable;
} = {
  parquet: (target, compression) =>
    parquetWriter(target, compression === undefined ? {} : ({ compression } as ParquetWriterOptions)),
  arrow: (target) => arrowWriter(target, { format: "file" }),
  csv: (target, compression) => csvWriter(target, text(compression)),
  ndjson: (target, compression) => ndjsonWriter(target, text(compression)),
};

function text(compression: string | undefined): TextCompressionOptions {
  return compression === undefined ? {} : ({ compression } as TextCompressionOptions);
}
