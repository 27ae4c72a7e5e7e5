/**
 * What goes wrong with a result on its way through a store: with the tasks that write it, the store, and those who read it. In
 * the end all rows are there, or an error is told; and no files are.
 */
import { once } from "node:events";
import { readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { tableFromIPC } from "apache-arrow";
import { mapInArrow, type PythonFunction } from "../../lib/connect/python/python-function.js";
import {
  connect,
  type DataFrame,
  type ErrorCode,
  removeResult,
  type SparkSession,
  type Store,
  type StoredResult,
  type StoreLocation,
  sparkStream,
  storeResult,
} from "../../lib/index.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import type { Random } from "../support/random.js";
import type { S3Call, S3Fault } from "../support/s3-fault-proxy.js";
import { SparkUi } from "../support/spark-ui.js";
import { type FaultClass, type RunResult, readRows } from "./fault-class.js";
import { killProcess, slotsAreFree } from "./killed-process.js";
import { ReceivedRows, rowQuery } from "./rows.js";
import { leftFiles, openStoredPlaces, type StoredPlaces } from "./stored-place.js";

const ROWS = 16_000;
const PARTITIONS = 8;
const PER_BATCH = 250;
const BATCHES = ROWS / PER_BATCH;
/** Of a file, as it is stored. */
const FILE_BYTES = 23_000;
/** ms that the query takes, at least: ten for each batch, on two slots. */
const QUERY_TIME = (BATCHES * 10) / 2;

interface StoredFault {
  readonly name: string;
  /** Where it can happen. Default: in a directory and in a bucket. */
  readonly store?: "directory" | "bucket";
  /** Whether only a stored result can be hit: its files have to lie there. */
  readonly of?: "result";
  /** Codes of the error that it has to be; default: all rows are there. */
  readonly codes?: readonly ErrorCode[];
  /** How the n-th request of a kind goes wrong in the bucket. */
  readonly answer?: (call: S3Call, count: number, random: Random) => S3Fault | undefined;
  /** What happens while the query runs, at moments chosen at random. */
  readonly strike?: (place: Place, random: Random) => void;
  readonly times?: number;
  /** What happens to the directory of a stored result before it is read. */
  readonly damage?: (files: readonly string[], random: Random) => Promise<void>;
  /** What the consumer does once, after a batch chosen at random. */
  readonly consume?: (place: Place, random: Random) => Promise<unknown>;
}

interface Place extends StoredPlaces {
  readonly ui: SparkUi;
  readonly control: FaultProxy;
  readonly spark: SparkSession;
}

/** One of three requests, and not one after the other for ever: a call may be repeated as often as it has patience. */
const sometimes =
  (calls: readonly S3Call[], fault: (random: Random) => S3Fault): StoredFault["answer"] =>
  (call, count, random) =>
    calls.includes(call) && count % 3 !== 0 && random.below(2) === 0 ? fault(random) : undefined;
const ours = ["read", "list", "remove"] as const;
const refusal = (status: number, code: string) => () => ({ status, code });
const cut = (action: "reset" | "end" | "stall") => (random: Random) => ({
  do: action,
  after: random.below(FILE_BYTES),
});

const faults: readonly StoredFault[] = [
  {
    name: "Python workers killed",
    strike: ({ ui }) => {
      for (const worker of pythonWorkers(ui.server.pid)) killWorker(worker);
    },
    times: 2,
  },
  {
    name: "a Python worker killed",
    strike: ({ ui }, random) => {
      const workers = pythonWorkers(ui.server.pid);
      if (workers.length > 0) killWorker(random.pick(workers));
    },
    times: 3,
  },
  { name: "the control stream reset", strike: ({ control }) => control.reset(), times: 3 },
  { name: "500", store: "bucket", answer: sometimes(ours, refusal(500, "InternalError")) },
  { name: "503 SlowDown", store: "bucket", answer: sometimes(ours, refusal(503, "SlowDown")) },
  {
    name: "a token that has ended, until it is renewed",
    store: "bucket",
    answer: (call, count) =>
      ours.some((each) => each === call) && count > 3 && count < 8 ? { status: 400, code: "ExpiredToken" } : undefined,
  },
  { name: "reads reset", store: "bucket", answer: sometimes(["read"], cut("reset")) },
  { name: "reads truncated", store: "bucket", answer: sometimes(["read"], cut("end")) },
  { name: "reads that stall", store: "bucket", answer: sometimes(["read"], cut("stall")) },
  {
    name: "other calls that are reset or stall",
    store: "bucket",
    answer: sometimes(["list", "remove"], (random) => ({ do: random.pick(["reset", "stall"] as const), after: 0 })),
  },
  {
    name: "stale listings",
    store: "bucket",
    answer: (call, count) => (call === "list" && count % 2 === 0 ? { do: "empty" } : undefined),
  },
  {
    name: "writes of tasks refused",
    store: "bucket",
    answer: (call, count, random) =>
      call === "write" && count % 4 === 0 && random.below(2) === 0 ? { status: 503, code: "SlowDown" } : undefined,
  },
  {
    name: "writes of tasks reset, though they were done",
    store: "bucket",
    answer: (call, count, random) =>
      call === "write" && count % 4 === 0 && random.below(2) === 0 ? { do: "reset", after: 0 } : undefined,
  },
  {
    name: "a consumer that sleeps, and all connections reset",
    store: "bucket",
    consume: async ({ proxy }, random) => {
      await sleep(random.between(500, 3_000)); // longer than the store may take
      proxy.reset();
    },
  },
  { name: "a consumer that sleeps", consume: (_, random) => sleep(random.between(500, 3_000)) },
  {
    name: "a file removed underneath",
    store: "directory",
    of: "result",
    codes: ["STORE_FAILED"],
    damage: (files, random) => rm(random.pick(files)),
  },
  {
    name: "a file cut underneath",
    store: "directory",
    of: "result",
    codes: ["INCOMPLETE_RESULT"],
    damage: (files, random) => truncate(random.pick(files), random.between(0, 5_000)),
  },
  {
    name: "a file of other bytes underneath",
    store: "directory",
    of: "result",
    codes: ["INCOMPLETE_RESULT", "INVALID_IPC"],
    damage: (files, random) => writeFile(random.pick(files), Buffer.alloc(FILE_BYTES, random.below(256))),
  },
];

/** Ten milliseconds for each batch, so that something can happen in the middle of a partition. */
const slowly: PythonFunction = {
  name: "slowly",
  expression: `lambda batches, sleep=__import__("time").sleep: ((sleep(0.01), batch)[1] for batch in batches)`,
  output: { id: "long", hash: "long", text: "string" },
};

function slowRows(spark: SparkSession): DataFrame {
  return mapInArrow(spark.sql(rowQuery(ROWS, PARTITIONS)), slowly, { name: "this test", instead: "nothing" });
}

/** A Spark, a session whose gRPC goes through a proxy, and stores: for all runs. */
let opened: Promise<Place> | undefined;

async function open(): Promise<Place> {
  const ui = await SparkUi.open({}, { master: "local[2,4]" });
  const { url, token } = ui.server;
  const places = await openStoredPlaces();
  const control = await startFaultProxy({ port: Number(url.split(":").at(-1)) });
  const spark = await connect(`sc://127.0.0.1:${control.port}`, { token });
  // The first stream of a store probes it, and the first Python of a session is slow.
  for (const store of Object.values(places.stores))
    await sparkStream(spark.range(1), { delivery: "stored", store }).toArray();
  return { ...places, ui, control, spark };
}

function place(): Promise<Place> {
  opened ??= open();
  return opened;
}

export async function closeStoredFaults(): Promise<void> {
  const all = await opened;
  opened = undefined;
  await all?.spark.close();
  await all?.control.close();
  await all?.[Symbol.asyncDispose]();
}

function classOf(fault: StoredFault): FaultClass {
  const { name, codes = "exact", answer } = fault;
  return {
    name: `stored: ${name}`,
    expected: codes,
    async run(random) {
      const here = await place();
      const counts = new Map<S3Call, number>();
      here.proxy.faultOf = (call) => {
        const count = (counts.get(call) ?? random.below(4)) + 1;
        counts.set(call, count);
        return answer?.(call, count, random);
      };
      try {
        const store = here.stores[fault.store ?? random.pick(["directory", "bucket"] as const)];
        const way = fault.of ?? random.pick(["stream", "result"] as const);
        return await leftFiles(
          here,
          here.spark,
          await (way === "stream" ? readStream : readResult)(here, fault, store, random),
        );
      } finally {
        here.proxy.faultOf = () => undefined;
      }
    },
  };
}

type Run = (place: Place, fault: StoredFault, store: Store | StoreLocation, random: Random) => Promise<RunResult>;

const readStream: Run = async (here, fault, store, random) => {
  const { order, readAheadBytes } = optionsOf(random);
  const options = { stored: { order }, readAheadBytes, maxRecordsPerBatch: PER_BATCH, store };
  const stream = sparkStream(slowRows(here.spark), { delivery: "stored", ...options });
  const struck = strikes(here, fault, random);
  const result = await readRows(
    stream,
    new ReceivedRows(ROWS, { ordered: order === "partition" }),
    sleeper(here, fault, random),
  );
  await struck;
  return result;
};

const readResult: Run = async (here, fault, store, random) => {
  const struck = strikes(here, fault, random);
  const result: StoredResult = JSON.parse(
    JSON.stringify(await storeResult(slowRows(here.spark), { store, maxRecordsPerBatch: PER_BATCH })),
  );
  await struck;
  try {
    const path = join(here.directory, result.directory);
    const names = result.partitions.flatMap(({ files }) => files.map(({ name }) => join(path, name)));
    await fault.damage?.(names, random);
    const { order, readAheadBytes } = optionsOf(random);
    const stream = sparkStream(result, { store, order, readAheadBytes });
    return await readRows(
      stream,
      new ReceivedRows(ROWS, { ordered: order === "partition" }),
      sleeper(here, fault, random),
    );
  } finally {
    await removeResult(result, { store });
  }
};

function optionsOf(random: Random) {
  return { order: random.pick(["partition", "arrival"] as const), readAheadBytes: random.pick([1, 20_000, 2 ** 24]) };
}

async function strikes(here: Place, { strike, times = 1 }: StoredFault, random: Random): Promise<void> {
  if (!strike) return;
  for (let count = 0; count < times; count++) {
    await sleep(100 + random.below(QUERY_TIME));
    strike(here, random);
  }
}

function sleeper(here: Place, { consume }: StoredFault, random: Random): () => Promise<void> {
  const at = random.below(BATCHES);
  let batches = 0;
  return async () => {
    if (batches++ === at) await consume?.(here, random);
  };
}

/** ms after which the slots of a process that was killed have to be free. */
const FREE = 30_000;

/** A process that reads a stored result is killed, and another goes on behind the last row that it had. */
const readerKilled: FaultClass = {
  name: "stored: Node killed, and its result read on",
  expected: "exact",
  async run(random) {
    const here = await place();
    const { spark, stores, directory } = here;
    const result = await storeResult(spark.sql(rowQuery(ROWS, PARTITIONS)), {
      store: stores.directory,
      maxRecordsPerBatch: PER_BATCH,
    });
    const file = join(directory, "result.json");
    await writeFile(file, JSON.stringify(result));
    const received = new ReceivedRows(ROWS);
    let from = { partition: 0, row: 0 };
    const last = random.between(1, BATCHES - 1);
    let count = 0;
    const until = async (output: NodeJS.ReadableStream) => {
      for await (const line of createInterface({ input: output })) {
        const [partition, bytes] = line.split(" ") as [string, string];
        const [batch] = tableFromIPC(Buffer.from(bytes, "base64")).batches;
        received.add(batch!);
        const before = Number(partition) === from.partition ? from.row : 0;
        from = { partition: Number(partition), row: before + batch!.numRows };
        if (++count === last) return;
      }
    };
    await killProcess({ script: "stored-reader.ts", args: ["result", file], until });
    if (count < last) return { outcome: "lost", error: new Error("It has ended too early.") };
    const rest = await readRows(sparkStream(result, { from }), received);
    await removeResult(result);
    await rm(file);
    return await leftFiles(here, here.spark, rest);
  },
};

/** A process that has a query stored is killed: the next stream, a day later, removes what it left. */
const writerKilled: FaultClass = {
  name: "stored: Node killed, with a query",
  expected: "exact",
  async run(random) {
    const here = await place();
    const { ui, spark, stores, directory } = here;
    const until = async (output: NodeJS.ReadableStream) => {
      await once(output, "data");
      await sleep(random.below(500));
    };
    await killProcess({ script: "stored-reader.ts", args: ["store", directory], ui, until });
    if (!(await slotsAreFree(ui, FREE))) return { outcome: "hung" };
    const [name, ...others] = await readdir(directory);
    if (!name || others.length > 0) return { outcome: "left", error: new Error([name, ...others].join("\n")) };
    await rename(join(directory, name), join(directory, name.replace(/-\d{8}T/, "-20260101T")));
    const frame = spark.sql(rowQuery(ROWS, PARTITIONS));
    const result = await readRows(
      sparkStream(frame, { delivery: "stored", store: stores.directory }),
      new ReceivedRows(ROWS),
    );
    return await leftFiles(here, here.spark, result);
  },
};

export const storedFaults: readonly FaultClass[] = [...faults.map(classOf), readerKilled, writerKilled];
