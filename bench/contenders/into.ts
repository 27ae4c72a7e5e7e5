/**
 * A stream of record batches to Parquet files that Spark writes, by sparkWriter().
 *
 *   argv   the Arrow file that has them; the directory of Parquet files; "upload" or "pull"
 */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type RecordBatch, RecordBatchReader } from "apache-arrow";
import { type SparkWriterOptions, sparkWriter } from "../../lib/index.js";
import { measured } from "./measured.js";
import { openSession } from "./session.js";

const [file, path, delivery] = process.argv.slice(2) as [string, string, NonNullable<SparkWriterOptions["delivery"]>];

async function* batches(): AsyncGenerator<RecordBatch> {
  yield* await RecordBatchReader.from(createReadStream(file, { highWaterMark: 1 << 20 }));
}

await measured(
  openSession,
  async (session, _task, tally) => {
    const writer = sparkWriter(session, { path, format: "parquet" }, { delivery, mode: "overwrite" });
    await pipeline(Readable.from(batches()), writer);
    tally.add(writer.metrics.rows);
  },
  (session) => session.close(),
);
