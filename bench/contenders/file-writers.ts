import type { Writable } from "node:stream";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter } from "../../lib/index.js";

/** The writer of each format, into the file of a path. */
export const fileWriters: Readonly<Record<string, (path: string) => Writable>> = {
  parquet: (path) => parquetWriter(path),
  arrow: (path) => arrowWriter(path),
  csv: (path) => csvWriter(path),
  ndjson: (path) => ndjsonWriter(path),
};
