// What is stopped here is stopped on the cluster, by Spark's own record of its jobs.
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type SparkSession, type SparkStream, SparkStreamError, sparkStream } from "../../lib/index.js";
import { EventLog, type SparkJob } from "../support/event-log.js";
import { failureOf } from "../support/ipc.js";
import { countTo } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";
import { until } from "../support/until.js";

/** Would run for an hour; Spark hands out a partition when it is done, so they are many and small. */
const ENDLESS = "SELECT id, uuid() AS u FROM range(0, 1000000000, 1, 20000)";
/** Would run for hours before its first row. */
const SILENT = "SELECT count(*) FROM range(1000000000000) WHERE uuid() = 'x'";

/** ms within which a job has to be over. */
const SOON = 1_000;

const closed = (stream: SparkStream) =>
  new Promise<void>((resolve) => (stream.closed ? resolve() : stream.once("close", () => resolve())));
const pass = () => new Writable({ objectMode: true, write: (_batch, _encoding, done) => done() });

describe("A stream of a real Spark that is stopped", function () {
  this.timeout(180_000);
  const log = new EventLog();
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession({ conf: log.conf });
    await spark.range(10).repartition(2).count(); // what is slow the first time
    const first = sparkStream(spark.sql(ENDLESS));
    await first[Symbol.asyncIterator]().next();
    await closed(first.destroy());
  });
  after(() => spark?.close());

  /** The jobs that run. */
  const running = async () => (await log.jobs()).filter(({ ended }) => ended === undefined);

  async function untilRunning(): Promise<SparkJob> {
    let job: SparkJob | undefined;
    await until(async () => {
      [job] = await running();
      return job !== undefined;
    }, "a job runs");
    return job!;
  }

  /** Waits until no job runs, and fails if the last one ended more than a second after it was stopped. */
  async function expectStopped(stoppedAt: number, stream?: SparkStream): Promise<void> {
    await until(async () => (await running()).length === 0, "no job runs");
    const last = (await log.jobs()).at(-1)!;
    expect(last.succeeded).to.equal(false);
    expect(last.ended! - stoppedAt, "ms from the stop to the end of the job").to.be.below(SOON);
    if (stream) await closed(stream);
    await spark.client.stopped(); // what goes on behind the stream
    expect(await spark.interruptAll(), "operations left on the server").to.deep.equal([]);
  }

  /** Each returns the moment of the stop. */
  const ways: Record<string, (stream: SparkStream, abort: AbortController) => Promise<number>> = {
    "destroy()": async (stream) => {
      stream.destroy();
      return Date.now();
    },
    "its signal": async (stream, abort) => {
      stream.on("error", (error) => expect(error.name).to.equal("AbortError"));
      abort.abort();
      return Date.now();
    },
    "break out of for await": async (stream) => {
      for await (const _ of stream) break;
      return Date.now();
    },
    "leaving the block of await using": async (opened) => {
      let leftAt = 0;
      {
        await using stream = opened;
        await stream[Symbol.asyncIterator]().next();
        leftAt = Date.now();
      }
      return leftAt;
    },
    "an error in a later stage of a pipeline": async (stream) => {
      let failedAt = 0;
      const stage = new Transform({
        objectMode: true,
        transform(_batch, _encoding, done) {
          failedAt = Date.now();
          done(new Error("odd"));
        },
      });
      await pipeline(stream, stage, pass()).catch((error) => expect(error.message).to.equal("odd"));
      return failedAt;
    },
  };
  for (const [way, stop] of Object.entries(ways)) {
    it(`by ${way} has its job cancelled within a second`, async () => {
      const abort = new AbortController();
      const stream = sparkStream(spark.sql(ENDLESS), { signal: abort.signal });
      await untilRunning();
      const stoppedAt = await stop(stream, abort);
      await expectStopped(stoppedAt, stream);
    });
  }

  it("before its first row has its job cancelled within a second", async () => {
    const stream = sparkStream(spark.sql(SILENT));
    await untilRunning();
    stream.destroy();
    await expectStopped(Date.now(), stream);
  });

  it("with its session has its job cancelled within a second, and fails with SESSION_CLOSED", async () => {
    const session = await sparkSession({ conf: log.conf });
    const reading = failureOf(sparkStream(session.sql(SILENT)).toArray());
    await untilRunning();
    const stoppedAt = Date.now();
    await session.close();
    await expectStopped(stoppedAt);
    const error = await reading;
    expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "SESSION_CLOSED");
  });

  for (const way of ["interruptAll", "interruptTag", "interruptOperation"] as const) {
    it(`by ${way}() has its job cancelled within a second, and fails with OPERATION_CANCELED`, async () => {
      const reading = failureOf(sparkStream(spark.sql(SILENT), { tags: ["nightly", "report"] }).toArray());
      const job = await untilRunning();
      const [, operationId] = /_Operation_([0-9a-f-]{36})/.exec(job.tags)!;
      const other = await spark.interruptTag("hourly");
      const stoppedAt = Date.now();
      const interrupted = {
        interruptAll: () => spark.interruptAll(),
        interruptTag: () => spark.interruptTag("report"),
        interruptOperation: () => spark.interruptOperation(operationId!),
      }[way];
      expect([other, await interrupted()]).to.deep.equal([[], [operationId]]);
      const error = await reading;
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "OPERATION_CANCELED");
      expect(error).to.have.property("operationId", operationId);
      await expectStopped(stoppedAt);
    });
  }

  // Spark submits the next job of an adaptive query after an interrupt that comes between two of them. Nothing can stop
  // that job any more.
  it("at random moments of a query of several jobs, 12 times, leaves nothing running", async () => {
    const join = `
      SELECT a.k, count(*) FROM (SELECT id % 1000 AS k FROM range(0, 3000000, 1, 4)) a
      JOIN (SELECT id % 1000 AS k FROM range(0, 3000, 1, 4) WHERE uuid() <> 'x') b ON a.k = b.k GROUP BY a.k ORDER BY 2`;
    for (const turn of countTo(12)) {
      const stream = sparkStream(spark.sql(join));
      await sleep(turn * 70); // the moment is what is tried
      stream.destroy();
      await closed(stream);
      await sleep(SOON / 5);
    }
    await spark.client.stopped();
    // Spark says nothing of a job that does not come: there is only a time after which none has come.
    await sleep(SOON);
    expect(await running()).to.deep.equal([]);
  });

  it("a hundred times at random points leaves no operation on the server", async () => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        countTo(10).map(async (index) => {
          const stream = sparkStream(spark.range(0, 200_000, 1, 4));
          await sleep(index * 20); // the moment is what is tried
          stream.destroy();
          await closed(stream);
        }),
      );
    }
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    // Spark writes of the end of a job a moment later.
    for (const end = Date.now() + 10 * SOON; (await running()).length > 0 && Date.now() < end; ) await sleep(50);
    expect(await running()).to.deep.equal([]);
  });
});
