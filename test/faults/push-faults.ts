/**
 * What goes wrong with tasks and their connections while they push, on a Spark that tries a task again. All of it has to be
 * survived.
 */
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { mapInArrow, type PythonFunction } from "../../lib/connect/python/python-function.js";
import {
  connect,
  type DataFrame,
  type PushOptions,
  type SparkSession,
  SparkStreamError,
  sparkStream,
} from "../../lib/index.js";
import { type ConnectionFault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { type PushProxy, startPushProxy } from "../support/push-proxy.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import type { Random } from "../support/random.js";
import { SparkUi } from "../support/spark-ui.js";
import { type FaultClass, readRows } from "./fault-class.js";
import { killProcess, slotsAreFree } from "./killed-process.js";
import { ReceivedRows, rowQuery } from "./rows.js";

const ROWS = 10_000;
const PARTITIONS = 4;
const PER_BATCH = 250;
const BATCHES = ROWS / PER_BATCH;
/** Of a partition, on its way. */
const PARTITION_BYTES = 100_000;

interface PushFault {
  readonly name: string;
  /** What happens to the n-th data connection, that of a probe included. */
  readonly faultOf?: (connection: number, random: Random) => ConnectionFault | undefined;
  /** What happens when so many batches have come, chosen at random. */
  readonly strike?: (place: Place, random: Random) => Promise<void> | void;
  /** Strikes of one run. */
  readonly times?: number;
}

interface Place {
  readonly pid: number;
  readonly data: PushProxy;
  readonly control: FaultProxy;
}

const cutOne = (action: "reset" | "close" | "halfClose"): PushFault["faultOf"] => {
  return (connection, random) => {
    const after = random.below(PARTITION_BYTES);
    return connection === 1 + random.below(3) ? { direction: "up", after, do: action } : undefined;
  };
};

const faults: readonly PushFault[] = [
  { name: "a data connection reset at a byte", faultOf: cutOne("reset") },
  { name: "a data connection closed at a byte", faultOf: cutOne("close") },
  { name: "a data connection half closed at a byte", faultOf: cutOne("halfClose") },
  {
    name: "data connections reset again and again",
    faultOf: (connection, random) =>
      connection < 4 ? { direction: "up", after: random.below(PARTITION_BYTES), do: "reset" } : undefined,
  },
  {
    name: "what Node says reset at a byte",
    faultOf: (connection, random) =>
      connection % 3 === 1 ? { direction: "down", after: random.below(80), do: "reset" } : undefined,
  },
  {
    name: "Python workers killed",
    strike: ({ pid }) => {
      for (const worker of pythonWorkers(pid)) killWorker(worker);
    },
    times: 2,
  },
  {
    name: "a Python worker killed",
    strike: ({ pid }, random) => {
      const workers = pythonWorkers(pid);
      if (workers.length > 0) killWorker(random.pick(workers));
    },
    times: 3,
  },
  { name: "all data connections reset at a moment", strike: ({ data }) => data.reset(), times: 2 },
  {
    name: "the listener gone for a while",
    strike: async ({ data }, random) => {
      await data.refuse();
      data.reset();
      await sleep(random.between(100, 1_500));
      await data.accept();
    },
  },
  { name: "the control stream reset", strike: ({ control }) => control.reset(), times: 3 },
  {
    name: "control and data reset",
    strike: ({ control, data }) => {
      control.reset();
      data.reset();
    },
    times: 2,
  },
  {
    name: "a slow consumer, and a data connection reset",
    faultOf: cutOne("reset"),
    strike: (_place, random) => sleep(random.between(200, 2_000)),
    times: 3,
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

/** A Spark, and a session whose gRPC goes through a proxy: one for all runs, since the first Python of a session is slow. */
let opened: ReturnType<typeof open> | undefined;

async function open() {
  const ui = await SparkUi.open({}, { master: "local[2,4]" });
  const { url, token } = ui.server;
  const control = await startFaultProxy({ port: Number(url.split(":").at(-1)) });
  const spark = await connect(`sc://127.0.0.1:${control.port}`, { token });
  try {
    await sparkStream(spark.range(1), { delivery: "push" }).toArray();
    return { ui, control, spark };
  } catch (error) {
    await spark.close();
    await control.close();
    throw error;
  }
}

/** Why none of these faults can be tried, such as workers without pyarrow (a Spark of one's own, SPARK_HOME). */
export async function pushIsUnsupported(): Promise<string | undefined> {
  try {
    opened ??= open();
    await opened;
    return undefined;
  } catch (error) {
    opened = undefined;
    if (error instanceof SparkStreamError && error.code === "UNSUPPORTED") return error.message;
    throw error;
  }
}

export async function closePushFaults(): Promise<void> {
  const { spark, control } = (await opened) ?? {};
  opened = undefined;
  await spark?.close();
  await control?.close();
}

function classOf({ name, faultOf, strike, times = 1 }: PushFault): FaultClass {
  return {
    name: `push: ${name}`,
    expected: "exact",
    async run(random) {
      opened ??= open();
      const { ui, control, spark } = await opened;
      await using data = await startPushProxy((connection) => faultOf?.(connection, random));
      const order = random.pick(["arrival", "partition"] as const);
      const push: PushOptions = { ...data.push, order, spool: random.below(3) === 0 };
      const options = { push, readAheadBytes: random.pick([1, 20_000, 2 ** 24]), maxRecordsPerBatch: PER_BATCH };
      const strikes = new Set(Array.from({ length: strike ? times : 0 }, () => random.below(BATCHES)));
      const received = new ReceivedRows(ROWS, { ordered: order === "partition" });
      let batches = 0;
      return await readRows(sparkStream(slowRows(spark), { delivery: "push", ...options }), received, async () => {
        if (strikes.has(batches++)) await strike?.({ pid: ui.server.pid, data, control }, random);
      });
    },
  };
}

/** ms after which the slots of a process that was killed have to be free. */
const FREE = 30_000;

/** A process that reads is killed: nothing of it may keep a slot. */
const nodeKilled: FaultClass = {
  name: "push: Node killed",
  expected: "exact",
  async run(random) {
    opened ??= open();
    const { ui, spark } = await opened;
    let hadTasks = false;
    const until = async (output: Readable) => {
      await once(output, "data");
      await sleep(random.below(1_000));
      hadTasks = await runs(ui);
    };
    await killProcess({ script: "push-reader.ts", ui, until });
    if (!hadTasks) return { outcome: "lost", error: new Error("It had no tasks.") };
    if (!(await slotsAreFree(ui, FREE))) return { outcome: "hung" };
    return await readRows(sparkStream(spark.sql(rowQuery(ROWS, PARTITIONS))), new ReceivedRows(ROWS));
  },
};

/**
 * Whether tasks run. Spark's account of them leaves out what happens within 100 ms of another event, until an executor's
 * next heartbeat, of which there is one in 10 s.
 */
async function runs(ui: SparkUi): Promise<boolean> {
  for (let tries = 0; tries < 150; tries++) {
    if ((await ui.runningTasks()) > 0) return true;
    await sleep(100);
  }
  return false;
}

export const pushFaults: readonly FaultClass[] = [...faults.map(classOf), nodeKilled];
