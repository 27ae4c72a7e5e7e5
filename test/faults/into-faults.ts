/** What goes wrong with a stream on its way into Spark. In the end all rows are there, or an error is told and a reader sees none. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RecordBatch, tableFromArrays } from "apache-arrow";
import {
  connect,
  type ErrorCode,
  type SparkSession,
  SparkStreamError,
  type SparkWriterOptions,
  sparkWriter,
} from "../../lib/index.js";
import { type ConnectionFault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { type PushProxy, startPushProxy } from "../support/push-proxy.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import type { Random } from "../support/random.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";
import { type FaultClass, hung, type RunResult } from "./fault-class.js";
import { killProcess, slotsAreFree } from "./killed-process.js";

const BATCHES = 60;
const BATCH_ROWS = 500;
const ROWS = BATCHES * BATCH_ROWS;
/** Of what one of two tasks takes. */
const TASK_BYTES = 150_000;

type Delivery = "upload" | "pull";

interface Place {
  readonly pid: number;
  /** What a call is given as its token from now on. */
  setToken(token: string): void;
  /** Those of the executors. */
  readonly disks: Disks;
  readonly data: PushProxy;
  readonly control: FaultProxy;
}

interface IntoFault {
  readonly name: string;
  readonly deliveries: readonly Delivery[];
  /** Codes of the error that it has to be; default: all rows are there. */
  readonly codes?: readonly ErrorCode[];
  /** Whether this process keeps what tasks took. */
  readonly spool?: boolean;
  /** What happens to the n-th data connection, that of a probe included. */
  readonly faultOf?: (connection: number, random: Random) => ConnectionFault | undefined;
  /** What happens before a batch chosen at random; if it gives a batch, that one comes first. */
  readonly strike?: (place: Place, random: Random) => unknown;
  readonly times?: number;
  /** Bytes in a portion; default: one of several. */
  readonly portionBytes?: number;
  /** Whether it strikes behind the last batch. */
  readonly atTheEnd?: boolean;
}

const both = ["upload", "pull"] as const;

const killWorkers = ({ pid }: Place) => {
  for (const worker of pythonWorkers(pid)) killWorker(worker);
};

const faults: readonly IntoFault[] = [
  {
    name: "a data connection reset at a byte",
    deliveries: ["pull"],
    spool: true,
    faultOf: (connection, random) =>
      connection === 1 + random.below(2)
        ? {
            direction: "down",
            after: random.below(TASK_BYTES),
            do: random.pick(["reset", "close", "halfClose"] as const),
          }
        : undefined,
  },
  { name: "Python workers killed", deliveries: ["pull"], spool: true, strike: killWorkers, times: 2 },
  {
    name: "Python workers killed, and nothing kept",
    deliveries: ["pull"],
    codes: ["INPUT_LOST"],
    strike: async (place) => {
      await sleep(300); // until both have taken something
      killWorkers(place);
    },
  },
  { name: "the control stream reset", deliveries: both, strike: ({ control }) => control.reset(), times: 3 },
  {
    name: "a source that is silent for a while",
    deliveries: both,
    strike: async (_, random) => await sleep(random.between(500, 3_000)),
  },
  {
    name: "a source that fails",
    deliveries: both,
    codes: ["INVALID_IPC"],
    strike: () => {
      throw new SparkStreamError("INVALID_IPC", "the source has failed");
    },
  },
  {
    name: "a source that fails at its end",
    deliveries: both,
    codes: ["INVALID_IPC"],
    atTheEnd: true,
    strike: () => {
      throw new SparkStreamError("INVALID_IPC", "the source has failed");
    },
  },
  {
    name: "a schema that changes",
    deliveries: both,
    codes: ["SCHEMA_MISMATCH"],
    strike: () => tableFromArrays({ id: ["a"] }).batches[0]!,
  },
  {
    name: "a token that ends",
    deliveries: ["upload"],
    codes: ["UNAUTHENTICATED"],
    portionBytes: 20_000,
    strike: ({ setToken }) => setToken("ended"),
  },
  {
    name: "a token that ends in the middle", // Spark looks at it at the beginning of a call only
    deliveries: ["pull"],
    strike: async ({ data, setToken }) => {
      await until(async () => data.connections.length > 1, "a task is connected, behind the probe");
      setToken("ended");
    },
  },
  {
    name: "disks of the executors that take nothing",
    deliveries: ["upload"],
    codes: ["QUERY_FAILED"],
    portionBytes: 20_000, // else all rows may be in one, which is on no disk
    strike: ({ disks }) => disks.break(),
  },
];

/** The executors' disks: a link stands for their directory, which is turned at once, since tasks try again all the time. */
class Disks implements AsyncDisposable {
  readonly #path: string;
  readonly #away: string;

  /** @param directory Spark's spark.local.dir, while nothing runs */
  static async of(directory: string): Promise<Disks> {
    const name = (await readdir(directory)).find((name) => name.startsWith("blockmgr-"))!;
    const disks = new Disks(join(directory, name));
    await rename(disks.#path, disks.#away);
    await disks.#turnTo(disks.#away);
    return disks;
  }

  private constructor(path: string) {
    this.#path = path;
    this.#away = `${path}.away`;
  }

  /** From now on they take nothing, until it is disposed. */
  async break(): Promise<void> {
    await this.#turnTo("/dev/null");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turnTo(this.#away);
  }

  async #turnTo(target: string): Promise<void> {
    const link = `${this.#path}.link`;
    await symlink(target, link);
    await rename(link, this.#path);
  }
}

let opened: ReturnType<typeof open> | undefined;

async function open() {
  const directory = await mkdtemp(join(tmpdir(), "into-faults-"));
  const localDir = await mkdtemp(join(tmpdir(), "into-disks-"));
  const ui = await SparkUi.open({ "spark.local.dir": localDir }, { master: "local[2,4]" });
  const { url, token } = ui.server;
  const control = await startFaultProxy({ port: Number(url.split(":").at(-1)) });
  const server = `sc://127.0.0.1:${control.port}`;
  const spark = await connect(server, { token });
  return { ui, control, server, spark, directory, localDir, disks: await Disks.of(localDir) };
}

export async function closeIntoFaults(): Promise<void> {
  const { spark, control, directory, localDir } = (await opened) ?? {};
  opened = undefined;
  await spark?.close();
  await control?.close();
  for (const path of [directory, localDir]) if (path) await rm(path, { recursive: true, force: true });
}

let runs = 0;

function classOf(fault: IntoFault, delivery: Delivery): FaultClass {
  const { name, codes = "exact", spool = false, faultOf, strike, times = 1, portionBytes, atTheEnd = false } = fault;
  return {
    name: `into, ${delivery}: ${name}`,
    expected: codes,
    async run(random) {
      opened ??= open();
      const { ui, control, server, spark, directory, disks: whole } = await opened;
      await using data = await startPushProxy((connection) => faultOf?.(connection, random));
      let { token } = ui.server;
      await using writer = await connect(server, { token: () => token });
      await using disks = whole;
      const setToken = (other: string) => {
        token = other;
      };
      const place: Place = { pid: ui.server.pid, data, control, disks, setToken };
      const strikes = new Set(
        Array.from({ length: strike ? times : 0 }, () => (atTheEnd ? BATCHES : 5 + random.below(BATCHES - 5))),
      );
      async function* source() {
        for (let batch = 0; batch <= BATCHES; batch++) {
          const other = strikes.has(batch) ? await strike!(place, random) : undefined;
          if (other instanceof RecordBatch) yield other;
          const ids = Int32Array.from({ length: BATCH_ROWS }, (_, row) => batch * BATCH_ROWS + row);
          if (batch < BATCHES) yield* tableFromArrays({ id: ids }).batches;
          await sleep(random.below(20));
        }
      }
      const options: SparkWriterOptions =
        delivery === "upload"
          ? { delivery, readAheadBytes: portionBytes ?? random.pick([20_000, 60_000, 2 ** 23]) }
          : { delivery, readAheadBytes: random.pick([1, 20_000, 2 ** 24]), pull: { ...data.push, spool } };
      const path = join(directory, `${runs++}`);
      const writing = pipeline(Readable.from(source()), sparkWriter(writer, { path, format: "parquet" }, options));
      return await Promise.race([outcomeOf(spark, path, writing), hung()]);
    },
  };
}

async function outcomeOf(spark: SparkSession, path: string, writing: Promise<void>): Promise<RunResult> {
  try {
    await writing;
  } catch (error) {
    return { outcome: (await visible(path)) ? "lost" : "failed", error };
  }
  const sums = ["count(*) AS rows", "count(DISTINCT id) AS ids", "max(id) AS last"];
  const { rows, ids, last } = (await spark.read
    .parquet(path)
    .agg(...sums)
    .first({ json: true })) as Record<string, number>;
  if (rows! > ids!) return { outcome: "doubled" };
  return { outcome: rows === ROWS && last === ROWS - 1 ? "exact" : "lost" };
}

/** Whether a reader finds rows. */
async function visible(path: string): Promise<boolean> {
  const names = existsSync(path) ? await readdir(path) : [];
  return names.some((name) => name.endsWith(".parquet") || name === "_SUCCESS");
}

/** ms after which the slots of a process that was killed have to be free. */
const FREE = 40_000;

/** A process that writes is killed: nothing of it may keep a slot, or be seen. */
function nodeKilled(delivery: Delivery): FaultClass {
  return {
    name: `into, ${delivery}: Node killed`,
    expected: "exact",
    slow: true,
    async run(random) {
      opened ??= open();
      const { ui, directory } = await opened;
      const path = join(directory, `${runs++}`);
      const until = async (output: Readable) => {
        await once(output, "data");
        await sleep(random.below(1_000));
      };
      await killProcess({ script: "into-writer.ts", args: [path, delivery], ui, until });
      if (!(await slotsAreFree(ui, FREE))) return { outcome: "hung" };
      return { outcome: (await visible(path)) ? "lost" : "exact" };
    },
  };
}

export const intoFaults: readonly FaultClass[] = [
  ...faults.flatMap((fault) => fault.deliveries.map((delivery) => classOf(fault, delivery))),
  ...both.map(nodeKilled),
];
