// Work that would block the event loop goes to worker threads, batch by batch: `map` keeps a number of them in progress and asks
// Spark for no more than they can take.
//
// npx tsx examples/worker-threads/main.ts      with SPARK_REMOTE, or a local Spark
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type RecordBatch, Table, tableToIPC } from "apache-arrow";
import { connect, sparkStream } from "spark-arrow-stream";

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
const readings = spark.sql("SELECT id, hash(id) % 2 = 0 AS even FROM range(0, 400000, 1, 8)");

const workers = Array.from({ length: 2 }, () => new Worker(new URL("worker.js", import.meta.url)));
const idle = [...workers];

async function longestRun(batch: RecordBatch): Promise<number> {
  const worker = idle.pop()!;
  const bytes = tableToIPC(new Table([batch]), "stream");
  worker.postMessage(bytes, [bytes.buffer as ArrayBuffer]); // moved, not copied
  const [run] = (await once(worker, "message")) as [number];
  idle.push(worker);
  return run;
}

const longest = await sparkStream(readings)
  .map(longestRun, { concurrency: workers.length })
  .reduce((most: number, run: number) => Math.max(most, run), 0);
console.log(`the longest run of even hashes within a batch is ${longest}`);
await Promise.all(workers.map((worker) => worker.terminate()));
