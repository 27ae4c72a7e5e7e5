// A consumer that sleeps for longer than the server keeps a stream, on a server that does what the script says. (On a real
// one: test/spark/slow-consumer.test.ts.) The sleeps are what is tested; how long they are is the server's patience, and
// nothing has to happen within a time but what keeps the result alive, for which there are three seconds.
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { type SparkSession, type SparkStream, sparkStream } from "../../lib/index.js";
import type { Fault } from "../../lib/testing/index.js";
import { collectGarbage } from "../support/garbage.js";
import { idBatches, scripted, sparkStreamError, within } from "../support/scripted.js";
import { openSpillFiles, tellsOpenFiles } from "../support/spill.js";
import { until } from "../support/until.js";

const ROWS = 512 * 1024;
const BATCHES = 16;
/** 64 MiB. */
const batches = idBatches(...Array<number>(BATCHES).fill(ROWS));

const options = (faults: readonly Fault[] = []) => ({
  batches,
  faults,
  maxStreamMs: 200,
  detachedMs: 3_000,
  conf: {
    "spark.connect.execute.reattachable.senderMaxStreamDuration": "200ms",
    "spark.connect.execute.manager.detachedTimeout": "3s",
  },
});

/** A stream of which one batch was taken, and whose consumer then slept until there was a temporary file. */
async function asleep(spark: SparkSession): Promise<{ stream: SparkStream; first: RecordBatch; bytesBefore: number }> {
  const stream = sparkStream(spark.sql("SELECT id FROM t"), { readAheadBytes: 1 });
  stream.on("error", () => {});
  const first = await new Promise<RecordBatch>((resolve) => {
    stream.once("readable", () => resolve(stream.read()));
  });
  const bytesBefore = process.memoryUsage().arrayBuffers; // with all that the server keeps, which is in this process
  await within(15_000, () => expect(openSpillFiles()).to.have.length(1));
  return { stream, first, bytesBefore };
}

/** Checks that the ids go on from there. */
function follow(batch: RecordBatch, next: bigint): bigint {
  const ids = batch.getChildAt(0)!.toArray() as BigInt64Array;
  for (const id of ids) if (id !== next++) throw new Error(`${id} came where ${next - 1n} should`);
  return next;
}

describe("A consumer that sleeps", function () {
  this.timeout(120_000);
  before(function () {
    if (!tellsOpenFiles) this.skip();
  });
  afterEach("no temporary file is left", () => within(10_000, () => expect(openSpillFiles()).to.deep.equal([])));

  it("gets every row once when it wakes up, what was beyond memory from a temporary file", async () => {
    await using fixture = await scripted(options());
    const { stream, first, bytesBefore } = await asleep(fixture.spark);
    await until(() => fixture.server.operations[0]!.state !== "running", "the server has sent everything");
    // 16 MiB of spool, and what is in flight.
    await until(async () => {
      await collectGarbage();
      return process.memoryUsage().arrayBuffers - bytesBefore < 40 * 2 ** 20;
    }, "less than 40 MiB are in memory");
    let next = follow(first, 0n);
    for await (const batch of stream) next = follow(batch, next);
    expect(next).to.equal(BigInt(ROWS * BATCHES));
    expect(fixture.server.operations[0]!.attaches).to.be.above(3);
  });

  // What was in flight was taken until it came to 8 MiB, of which one batch may be the half: the end of the stream was found
  // when the server had forgotten the result.
  it("gets every row once where a batch is larger than what may be in flight", async () => {
    const large = idBatches(...Array<number>(5).fill(3 * ROWS));
    await using fixture = await scripted({ ...options(), batches: large });
    const stream = sparkStream(fixture.spark.sql("SELECT id FROM t"), { readAheadBytes: 1 });
    let next = 0n;
    for await (const batch of stream) {
      next = follow(batch, next);
      if (next === BigInt(3 * ROWS)) await sleep(7_000); // more than twice detachedMs
    }
    expect(next).to.equal(BigInt(5 * 3 * ROWS));
  });

  // A consumer that woke up and read on, not fast but steadily, kept the stream from being looked after.
  it("gets every row once where it takes long over what was put aside", async () => {
    await using fixture = await scripted(options());
    const { stream, first } = await asleep(fixture.spark);
    let next = follow(first, 0n);
    for await (const batch of stream) {
      next = follow(batch, next);
      await sleep(300);
    }
    expect(next).to.equal(BigInt(ROWS * BATCHES));
  });

  // It never paused for long enough to count as slow.
  it("gets every row once where it reads small batches steadily, for longer than the server keeps the result", async () => {
    const small = idBatches(...Array<number>(384).fill(2_048));
    await using fixture = await scripted({ ...options(), batches: small });
    let next = 0n;
    for await (const batch of sparkStream(fixture.spark.sql("SELECT id FROM t"), { readAheadBytes: 1 })) {
      next = follow(batch, next);
      await sleep(20);
    }
    expect(next).to.equal(BigInt(384 * 2_048));
  });

  it("leaves no temporary file when it destroys the stream", async () => {
    await using fixture = await scripted(options());
    const { stream } = await asleep(fixture.spark);
    stream.destroy();
    await within(10_000, () => expect([stream.closed, openSpillFiles()]).to.deep.equal([true, []]));
    expect(fixture.server.operations[0]!.state).to.equal("released");
  });

  it("gets all rows that came before an error, then the error, and no temporary file is left", async () => {
    const failure = { status: { message: "divided by zero", errorClass: "DIVIDE_BY_ZERO" } };
    await using fixture = await scripted(options([{ stream: 3, do: failure }]));
    const { stream, first } = await asleep(fixture.spark);
    let next = follow(first, 0n);
    let error: unknown;
    try {
      await within(15_000, () => expect(fixture.server.operations[0]!.attaches).to.equal(4));
      for await (const batch of stream) next = follow(batch, next);
    } catch (caught) {
      error = caught;
    }
    expect(sparkStreamError(error)).to.include({ code: "QUERY_FAILED", errorClass: "DIVIDE_BY_ZERO" });
    expect(next % BigInt(ROWS)).to.equal(0n);
    expect(Number(next)).to.be.above(ROWS);
  });
});
