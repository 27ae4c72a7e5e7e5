// What `npm run test:cluster` tries beyond the share of CI: a cluster that grows and shrinks by itself and has a directory for
// checkpoints, two clients at once, and a Connect server that restarts.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { expect } from "chai";
import { connect, type SparkSession, type SparkStreamOptions, sparkStream } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { until } from "../support/until.js";
import { type SparkCluster, startCluster } from "./spark-cluster.js";

const ROWS = 1_000_000;
const QUERY = `SELECT id, sha2(sha2(CAST(id AS STRING), 512), 256) AS text FROM range(0, ${ROWS}, 1, 20)`;

describe("On a cluster with dynamic allocation and a directory for checkpoints,", function () {
  this.timeout(300_000);
  let cluster: SparkCluster;
  let spark: SparkSession;
  let checkpoints: string;

  before(async function () {
    this.timeout(900_000); // the first start installs Spark
    checkpoints = await mkdtemp(join(tmpdir(), "spark-arrow-stream-checkpoints-"));
    cluster = await startCluster(2, {
      "spark.checkpoint.dir": checkpoints,
      "spark.cleaner.referenceTracking.cleanCheckpoints": "true",
      "spark.dynamicAllocation.enabled": "true",
      "spark.dynamicAllocation.shuffleTracking.enabled": "true",
      "spark.dynamicAllocation.executorIdleTimeout": "5s",
      "spark.dynamicAllocation.maxExecutors": "2",
    });
    spark = await connect(cluster.url, { token: cluster.token });
  });
  after(async () => {
    await spark?.close();
    await cluster?.[Symbol.asyncDispose]();
    await rm(checkpoints, { recursive: true, force: true });
  });

  async function read(session: SparkSession, options: SparkStreamOptions, onBatch = async (_batch: number) => {}) {
    const seen = new Uint8Array(ROWS);
    let batches = 0;
    for await (const batch of sparkStream(session.sql(QUERY), options)) {
      for (const id of batch.getChild("id")!) seen[Number(id)]!++;
      await onBatch(batches++);
    }
    expect(
      seen.every((count) => count === 1),
      "each row once",
    ).to.equal(true);
  }

  const killOne = async (batch: number) => {
    const [victim] = batch === 0 ? await cluster.executors() : [];
    if (victim !== undefined) kill(victim, "SIGKILL");
  };

  for (const delivery of ["result", "staged", "push"] as const) {
    it(`"${delivery}" gives every row once, with executors that come, are killed and go`, async () => {
      await read(
        spark,
        { delivery, maxRecordsPerBatch: 5_000, readAheadBytes: 1024 * 1024 } as SparkStreamOptions,
        killOne,
      );
    });
  }

  it("a checkpoint is made in the directory, and removed from it when the driver has collected garbage", async () => {
    let files: string[] = [];
    const staged = { windowBytes: 4 * 1024 * 1024, collectGarbage: true };
    await read(spark, { delivery: "staged", staged }, async () => {
      files = await readdir(checkpoints, { recursive: true });
    });
    expect(files.filter((name) => /part-\d+$/.test(name))).to.have.length.of.at.least(20);
    await spark.client.stopped();
    await until(async () => {
      const left = await readdir(checkpoints, { recursive: true });
      return !left.some((name) => /part-\d+$/.test(name));
    }, "nothing is left");
  });

  it("executors that are idle go, and the next stream gets new ones", async () => {
    await until(async () => (await cluster.executors()).length === 0, "no executor runs");
    await read(spark, { delivery: "push" });
  });

  it("two clients at once get their own rows, with an executor killed under them", async () => {
    await using other = await connect(cluster.url, { token: cluster.token });
    await Promise.all([
      read(spark, { delivery: "result", readAheadBytes: 1024 * 1024 }, killOne),
      read(other, { delivery: "push", readAheadBytes: 1024 * 1024 }),
      read(other, { delivery: "staged" }),
    ]);
  });

  it("a Connect server that restarts ends streams with a code, and the next session works", async () => {
    const batches = read(spark, { delivery: "result", readAheadBytes: 1024 * 1024 }, async (batch) => {
      if (batch === 0) await cluster.restartServer();
    });
    expect((await errorOf(batches)).code).to.be.oneOf(["SESSION_LOST", "OPERATION_LOST", "UNAUTHENTICATED"]);
    await using next = await connect(cluster.url, { token: cluster.token });
    await read(next, { delivery: "push" });
  });
});
