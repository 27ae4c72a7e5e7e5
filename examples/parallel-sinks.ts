// One frame, computed once, into several files at the same time: each stream has partitions of its own.
//
// npx tsx examples/parallel-sinks.ts [directory]      with SPARK_REMOTE, or a local Spark (4.0 or later)
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { connect, parquetWriter, splitSparkStream } from "spark-arrow-stream";

const [directory = "."] = process.argv.slice(2);

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
// Random, and yet the files fit together: what is split was staged on Spark's disks before.
const draws = spark.sql("SELECT id, rand() AS draw FROM range(0, 400000, 1, 12)");

const streams = splitSparkStream(draws, 3);
const files = await Promise.all(
  streams.map(async (stream, index) => {
    const file = join(directory, `draws-${index}.parquet`);
    await pipeline(stream, parquetWriter(file));
    return `${file}: ${stream.metrics.rows} rows`;
  }),
);
console.log(files.join("\n"));
