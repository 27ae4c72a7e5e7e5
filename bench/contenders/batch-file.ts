/**
 * Record batches in memory to a file, by one of this package's writers.
 *
 *   argv   the format; the file of frames that the batches come from
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter, sparkStream } from "../../lib/index.js";
import { measured } from "./measured.js";
import { recordedRows } from "./recorded-rows.js";

const writers: Readonly<Record<string, (path: string) => Writable>> = {
  parquet: (path) => parquetWriter(path),
  arrow: (path) => arrowWriter(path),
  csv: (path) => csvWriter(path),
  ndjson: (path) => ndjsonWriter(path),
};

const [format, frames] = process.argv.slice(2) as [string, string];
const directory = await mkdtemp(join(tmpdir(), "bench-file-"));

await measured(
  () => sparkStream(recordedRows(frames)).toArray() as Promise<RecordBatch[]>,
  async (batches, _task, tally) => {
    await pipeline(Readable.from(batches), writers[format]!(join(directory, `out.${format}`)));
    for (const { numRows } of batches) tally.add(numRows);
  },
  () => rm(directory, { recursive: true }),
);
