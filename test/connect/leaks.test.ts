// A service that opens streams all day must not be left with anything of them.
import { getEventListeners } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type SparkSession, type SparkStream, sparkStream } from "../../lib/index.js";
import { collectGarbage } from "../support/garbage.js";
import { Random } from "../support/random.js";
import { countTo, idBatches, scripted, within } from "../support/scripted.js";
import { openSpillFiles, tellsOpenFiles } from "../support/spill.js";

const batches = idBatches(500, 1, 500, 200, 300);

/** Ways in which a stream comes to an end, some of them before its first batch: at a moment, which a sleep picks. */
const ends: readonly ((stream: SparkStream, random: Random) => Promise<unknown>)[] = [
  async (stream) => stream.destroy(),
  async (stream, random) => {
    await sleep(random.below(15));
    stream.destroy();
  },
  async (stream, random) => {
    let left = random.below(4);
    for await (const _ of stream) if (left-- === 0) break;
  },
  async (stream, random) => {
    await sleep(random.below(10));
    stream.destroy(new Error("enough"));
  },
  async (stream, random) => {
    let left = random.below(3);
    const write = (_batch: unknown, _encoding: string, done: (error?: Error) => void) =>
      done(left-- === 0 ? new Error("full") : undefined);
    await pipeline(stream, new Writable({ objectMode: true, write }));
  },
  async (stream) => await stream.toArray(),
];

async function openAndEnd(spark: SparkSession, signal: AbortSignal, random: Random): Promise<void> {
  const stream = sparkStream(spark.sql("SELECT id FROM t"), { signal });
  stream.on("error", () => {});
  await random
    .pick(ends)(stream, random)
    .catch(() => {});
  if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
}

/** A hundred streams on a server and a session of their own, ten at once, while the network breaks now and then. */
async function hundredStreams(seed: number, signal: AbortSignal): Promise<void> {
  const random = new Random(seed);
  const faults = [7, 31, 55, 71].map((operation) => ({ operation, stream: 0, after: 2, do: "cut" as const }));
  await using fixture = await scripted({ batches, faults });
  for (let round = 0; round < 10; round++) {
    await Promise.all(countTo(10).map(() => openAndEnd(fixture.spark, signal, random)));
  }
  await within(1_000, () => {
    const left = fixture.server.operations.filter(({ state, attached }) => state !== "released" || attached);
    expect(left).to.deep.equal([]);
    expect(fixture.server.connections).to.be.below(10);
  });
  // Half of them read, which takes an operation; how many of the others get that far is up to the machine.
  expect(fixture.server.operations).to.have.length.above(25);
}

/** What a process has besides memory. */
function possessions(signal: AbortSignal) {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return {
    resources: counts,
    openFiles: existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0,
    spillFiles: tellsOpenFiles ? openSpillFiles() : [],
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    ofSignal: getEventListeners(signal, "abort").length,
  };
}

describe("A thousand streams, opened and ended at random points", function () {
  this.timeout(240_000);

  it("leave no handle, socket, listener, file, memory, or operation on the server", async () => {
    const { signal } = new AbortController();
    // What is made once and kept. Compiled code keeps growing for hundreds of streams, then it shrinks again.
    for (let seed = 0; seed < 10; seed++) await hundredStreams(seed, signal);
    await collectGarbage();
    const before = possessions(signal);
    // A leak grows with every thousand; what is compiled meanwhile does not.
    let grown: number[] = [];
    for (let seed = 10; seed < 40; seed += 10) {
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      for (let each = seed; each < seed + 10; each++) await hundredStreams(each, signal);
      await within(5_000, () => expect(possessions(signal)).to.deep.equal(before));
      await collectGarbage();
      const after = process.memoryUsage();
      grown = [after.heapUsed - heapUsed, after.arrayBuffers - arrayBuffers];
      if (Math.max(...grown) < 2 * 2 ** 20) break;
    }
    expect(Math.max(...grown), `bytes of heap and of buffers: ${grown}`).to.be.below(2 * 2 ** 20);
  });
});
