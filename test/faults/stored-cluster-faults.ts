/** What goes wrong with the executors of a cluster while they write a result into a store. */
import { setTimeout as sleep } from "node:timers/promises";
import { mapInArrow, type PythonFunction } from "../../lib/connect/python/python-function.js";
import { connect, removeResult, type SparkSession, sparkStream, storeResult } from "../../lib/index.js";
import { type SparkCluster, startCluster } from "../cluster/spark-cluster.js";
import { killWorker } from "../support/python-workers.js";
import type { Random } from "../support/random.js";
import { until } from "../support/until.js";
import { type FaultClass, type RunResult, readRows } from "./fault-class.js";
import { ReceivedRows, rowQuery } from "./rows.js";
import { leftFiles, openStoredPlaces, type StoredPlaces } from "./stored-place.js";

const ROWS = 16_000;
const PARTITIONS = 8;
const PER_BATCH = 250;

/** Spark starts a second attempt of a task that takes much longer than a quarter of the others. */
const speculation = {
  "spark.speculation": "true",
  "spark.speculation.interval": "50ms",
  "spark.speculation.multiplier": "1.1",
  "spark.speculation.quantile": "0.25",
  "spark.speculation.minTaskRuntime": "100ms",
};

interface Place extends StoredPlaces {
  readonly cluster: SparkCluster;
  readonly spark: SparkSession;
}

let opened: Promise<Place> | undefined;

async function open(): Promise<Place> {
  const places = await openStoredPlaces();
  const cluster = await startCluster(2, speculation);
  const spark = await connect(cluster.url, { token: cluster.token });
  await until(async () => (await cluster.executors()).length === 2, "two executors run");
  for (const store of Object.values(places.stores)) {
    await sparkStream(spark.range(1), { delivery: "stored", store }).toArray();
  }
  return { ...places, cluster, spark };
}

export async function closeStoredClusterFaults(): Promise<void> {
  const place = await opened;
  opened = undefined;
  await place?.spark.close();
  await place?.cluster[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
}

/** Takes ten milliseconds per batch. The first attempt of one partition also sleeps, for `seconds`, after its first batch. */
function slowly(partition: number, seconds: number): PythonFunction {
  const isFirst = `(lambda c: c.partitionId() == ${partition} and c.attemptNumber() == 0)(__import__("pyspark").TaskContext.get())`;
  const pause = `${seconds} if index == 1 and ${isFirst} else 0.01`;
  return {
    name: "slowly",
    expression: `lambda batches, sleep=__import__("time").sleep: ((sleep(${pause}), batch)[1] for index, batch in enumerate(batches))`,
    output: { id: "long", hash: "long", text: "string" },
  };
}

interface ClusterFault {
  readonly name: string;
  /** s that the first attempt of a partition sleeps. */
  readonly pause?: (random: Random) => number;
  /** Whether an executor is killed at a moment chosen at random. */
  readonly kills?: boolean;
  /** ms that the result may take. */
  readonly within?: number;
}

const faults: readonly ClusterFault[] = [
  { name: "an executor killed", kills: true },
  // It would sleep for longer than the result may take: the twin has to win.
  { name: "a speculative twin that wins", pause: () => 120, within: 60_000 },
  { name: "two attempts that end at about the same time", pause: (random) => random.between(100, 3_000) / 1000 },
  { name: "an executor killed beside a speculative twin", kills: true, pause: (random) => random.between(1, 4) },
];

function classOf({ name, pause, kills, within }: ClusterFault): FaultClass {
  return {
    name: `stored, cluster: ${name}`,
    expected: "exact",
    async run(random) {
      opened ??= open();
      const place = await opened;
      const { cluster, spark, stores } = place;
      const store = stores[random.pick(["directory", "bucket"] as const)];
      const query = rowQuery(ROWS, PARTITIONS);
      const python = slowly(random.below(PARTITIONS), pause?.(random) ?? 0.01);
      const frame = mapInArrow(spark.sql(query), python, { name: "this test", instead: "nothing" });
      const begin = performance.now();
      const killing = kills ? kill(cluster, random) : undefined;
      const received = new ReceivedRows(ROWS);
      const settings = { store, maxRecordsPerBatch: PER_BATCH };
      let result: RunResult;
      if (random.below(2) === 0) {
        result = await readRows(sparkStream(frame, { delivery: "stored", ...settings }), received);
      } else {
        const stored = await storeResult(frame, settings);
        result = await readRows(sparkStream(stored, { store }), received);
        await removeResult(stored, { store });
      }
      const time = performance.now() - begin;
      await killing;
      if (kills) await until(async () => (await cluster.executors()).length === 2, "a new executor runs");
      if (within && time > within) return { outcome: "hung", error: new Error(`It took ${time} ms.`) };
      return await leftFiles(place, spark, result);
    },
  };
}

async function kill(cluster: SparkCluster, random: Random): Promise<void> {
  await sleep(random.below(1_500));
  const victims = await cluster.executors();
  if (victims.length > 0) killWorker(random.pick(victims));
}

export const storedClusterFaults: readonly FaultClass[] = faults.map(classOf);
