/**
 * Servers that take everything and answer nothing: a process that is stopped, a connection that swallows what it is given.
 * Whatever was going on, it has ended here within two seconds of its stop; and its operation is gone on a server that
 * answers again, or on another connection.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, type SparkSession, type SparkStreamOptions, sparkStream } from "../../lib/index.js";
import { type ScriptedServerOptions, startScriptedServer } from "../../lib/testing/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import type { Random } from "../support/random.js";
import type { FaultClass, RunResult } from "./fault-class.js";
import { rowBatch } from "./rows.js";

/** Gives two batches and then nothing more. */
export const endless: ScriptedServerOptions = {
  batches: [0, 1, 2, 3].map((index) => rowBatch(index * 50, 50)),
  faults: [{ after: 3, do: "stall" }],
};

/** ms within which all has ended here. */
const SETTLED = 2_000;
/** ms within which the server must know, where it answers: the first word to it may have a dead connection, for 5 s. */
const TOLD = 20_000;
/** ms that a session may take to close. */
const CLOSED = 15_000;

/** Each begins something, and stops it when it is asked to; the promise settles when all of it has ended here. */
type Way = (spark: SparkSession, stop: AbortSignal) => Promise<unknown>;

const pass = () => new Writable({ objectMode: true, write: (_batch, _encoding, done) => done() });

const closed = async (stream: { closed: boolean }) => {
  if (!stream.closed) await once(stream as Writable, "close");
};

function destroyed(options: SparkStreamOptions = {}): Way {
  return async (spark, stop) => {
    const stream = sparkStream(spark.sql("SELECT * FROM t"), options).on("error", () => {});
    stream.resume();
    stop.addEventListener("abort", () => stream.destroy());
    await closed(stream);
  };
}

const ways: readonly Way[] = [
  destroyed(),
  destroyed({ maxRecordsPerBatch: 10 }),
  destroyed({ delivery: "staged" }),
  destroyed({ delivery: "push" }),
  (spark, signal) => sparkStream(spark.sql("SELECT * FROM t"), { signal }).toArray(),
  (spark, signal) => pipeline(sparkStream(spark.sql("INSERT INTO t SELECT 1")), pass(), { signal }),
  (spark, signal) => spark.sql("SELECT * FROM t").execute({ signal }),
  (spark, signal) => spark.sql("INSERT INTO t SELECT 1").schema({ signal }),
  async (spark, signal) => {
    for (;;) await spark.conf.get("key", "value", { signal });
  },
  async (spark, signal) => {
    const stream = sparkStream(spark.sql("SELECT * FROM t"));
    const reading = stream[Symbol.asyncIterator]();
    await reading.next();
    if (!signal.aborted) await once(signal, "abort");
    await reading.return?.();
    await closed(stream);
  },
];

/** What is there to be struck, and how it is found out that nothing is left of what ran. */
interface Victim extends AsyncDisposable {
  readonly port: number;
  strike(): void;
  /** Undoes it, where nothing else would come through. */
  recover(): void;
  /** Of each operation, whether it is over. */
  over(): Promise<readonly boolean[]>;
}

async function stoppedProcess(): Promise<Victim> {
  const path = fileURLToPath(new URL("black-hole-server.ts", import.meta.url));
  const child: ChildProcess = fork(path, { execArgv: ["--import", "tsx"] });
  const [port] = (await once(child, "message")) as [number];
  return {
    port,
    strike: () => void child.kill("SIGSTOP"),
    recover: () => void child.kill("SIGCONT"),
    async over() {
      child.send("?");
      return (await once(child, "message"))[0] as boolean[];
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
    },
  };
}

async function swallowingConnections(): Promise<Victim> {
  const server = await startScriptedServer(endless);
  const proxy = await startFaultProxy({ port: server.port });
  return {
    port: proxy.port,
    strike: () => proxy.swallow(),
    recover: () => {},
    over: async () => server.operations.map(({ stopped, state }) => stopped || state !== "running"),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await server.close();
    },
  };
}

async function blackHole(victimOf: () => Promise<Victim>, random: Random, turn: number): Promise<RunResult> {
  await using victim = await victimOf();
  const spark = await connect(`sc://127.0.0.1:${victim.port}`);
  const stop = new AbortController();
  const ending = ways[turn % ways.length]!(spark, stop.signal).catch((error: unknown) => error);
  await sleep(random.below(60));
  victim.strike();
  await sleep(random.below(60));
  stop.abort();
  if ((await Promise.race([ending, sleep(SETTLED, late)])) === late) return { outcome: "hung", error: "not settled" };
  victim.recover();
  for (const end = performance.now() + TOLD; (await victim.over()).includes(false); await sleep(50)) {
    if (performance.now() > end) return { outcome: "hung", error: "the server was not told" };
  }
  victim.strike();
  const closing = await Promise.race([spark.close(), sleep(CLOSED, late)]);
  victim.recover();
  return closing === late ? { outcome: "hung", error: "the session does not close" } : { outcome: "exact" };
}

const late = Symbol("late");

export const blackHoles: readonly FaultClass[] = [
  { name: "black hole: the server's process stopped", victimOf: stoppedProcess },
  { name: "black hole: connections that swallow", victimOf: swallowingConnections },
].map(({ name, victimOf }) => ({
  name,
  expected: "exact",
  slow: true,
  run: (random, turn) => blackHole(victimOf, random, turn),
}));
