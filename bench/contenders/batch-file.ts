/**
 * Record batches in memory to a file, by one of this package's writers.
 *
 *   argv   the format; the file of frames that the batches come from
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { sparkStream } from "../../lib/index.js";
import { fileWriters } from "./file-writers.js";
import { measured } from "./measured.js";
import { recordedRows } from "./recorded-rows.js";

const writers: typeof fileWriters = { ...fileWriters, "by hand": byHand };

/** Lines of JSON, as one would write them without this package. */
function byHand(path: string): Writable {
  const toText = (_key: string, value: unknown) => (typeof value === "bigint" ? `${value}` : value);
  const lines = async function* (batches: AsyncIterable<RecordBatch>) {
    for await (const batch of batches) yield [...batch].map((row) => `${JSON.stringify(row, toText)}\n`).join("");
  };
  return Duplex.from(async (batches: AsyncIterable<RecordBatch>) => {
    await pipeline(Readable.from(lines(batches)), createWriteStream(path));
  });
}

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
