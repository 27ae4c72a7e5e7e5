// A result in a store, read by the processes of node:cluster: each takes a share of its partitions. One of them is killed in the
// middle of its share, and another goes on behind the last row that counted. The same works on many machines that see the store.
//
// npx tsx examples/cluster-shares.ts      with SPARK_REMOTE and SHARED, a directory of all; or a local Spark
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import {
  batchInfo,
  connect,
  type ResultPosition,
  removeResult,
  type StoredResult,
  sparkStream,
  storeResult,
} from "spark-arrow-stream";

/** What a worker is to read. */
interface Share {
  result: StoredResult;
  partitions: number[];
  from: ResultPosition;
}

/** What a worker made of a batch, and the position behind it: the two are kept together, so that none counts twice. */
interface Done {
  rows: number;
  sum: number;
  at: ResultPosition;
}

if (cluster.isPrimary) await lead();
else {
  process.once("message", (share: Share) => void work(share).then(() => process.disconnect?.()));
  process.send!("ready"); // what comes before somebody listens is lost
}

async function work({ result, partitions, from }: Share): Promise<void> {
  let at = from;
  for await (const batch of sparkStream(result, { partitions, from })) {
    const partition = batchInfo(batch)!.partition!;
    at = { partition, row: (partition === at.partition ? at.row : 0) + batch.numRows };
    let sum = 0;
    for (const id of batch.getChild("id")!.toArray() as BigInt64Array) sum += Number(id);
    const done: Done = { rows: batch.numRows, sum, at };
    await new Promise((resolve) => process.send!(done, undefined, undefined, resolve));
  }
}

async function lead(): Promise<void> {
  await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
  const store = { uri: pathToFileURL(process.env.SHARED ?? tmpdir()).href };
  const result = await storeResult(spark.range(0, 1_000_000, 1, 12), { store });

  const total = { rows: 0, sum: 0, workers: 0 };
  const read = async (partitions: number[], from: ResultPosition, onDone?: (worker: Worker, done: Done) => void) => {
    const worker = cluster.fork();
    total.workers++;
    let at = from;
    worker.on("message", (done: Done | "ready") => {
      if (done === "ready") return void worker.send({ result, partitions, from } satisfies Share);
      total.rows += done.rows;
      total.sum += done.sum;
      at = done.at;
      onDone?.(worker, done);
    });
    const [code] = await once(worker, "exit");
    if (code === 0) return;
    console.log(`a worker has died at row ${at.row} of partition ${at.partition}`);
    await read(
      partitions.filter((id) => id >= at.partition),
      at,
    );
  };

  const shares = [0, 1, 2].map((index) => result.partitions.map(({ id }) => id).filter((id) => id % 3 === index));
  const kill = (worker: Worker, { at }: Done) => at.partition > 1 && worker.process.kill("SIGKILL");
  await Promise.all(
    shares.map((share, index) => read(share, { partition: share[0]!, row: 0 }, index === 1 ? kill : undefined)),
  );
  console.log(`${total.workers} workers have read ${total.rows} rows, the sum of their ids is ${total.sum}`);
  await removeResult(result);
}
