// Stopping means stopped: an AbortSignal ends the stream here and the job on the cluster.
//
// npx tsx examples/cancel.ts      with SPARK_REMOTE, or a local Spark
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect, sparkStream } from "spark-arrow-stream";

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
// Spark hands out a partition when it is done: many small ones, so that the first comes soon.
const long = spark.sql("SELECT id, uuid() AS token FROM range(0, 1000000000, 1, 20000)");

const controller = new AbortController();
let rows = 0;
const sink = new Writable({
  objectMode: true,
  write(batch, _encoding, callback) {
    rows += batch.numRows;
    if (rows > 50_000) controller.abort();
    callback();
  },
});

try {
  await pipeline(sparkStream(long, { signal: controller.signal }), sink);
} catch (error) {
  if ((error as Error).name !== "AbortError") throw error;
  console.log(`stopped after ${rows} rows; nothing of it runs on the server any more`);
}
