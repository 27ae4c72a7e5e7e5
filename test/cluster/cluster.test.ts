// A real cluster whose executors die: what survives, and what says that it does not.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { expect } from "chai";
import { batchInfo, connect, type SparkSession, type SparkStreamOptions, sparkStream } from "../../lib/index.js";
import { notInCheck } from "../support/check.js";
import { errorOf } from "../support/scripted.js";
import { until } from "../support/until.js";
import { type SparkCluster, startCluster } from "./spark-cluster.js";

const ROWS = 1_000_000;
/** Each partition takes a while, so that some are still to be computed when the first rows are here. */
const QUERY = `SELECT id, sha2(sha2(CAST(id AS STRING), 512), 256) AS text FROM range(0, ${ROWS}, 1, 20)`;

describe("On a standalone cluster of two executors,", function () {
  this.timeout(300_000);
  let cluster: SparkCluster;
  let spark: SparkSession;
  let shared: string;

  before(async function () {
    notInCheck("it needs a Spark", this);
    this.timeout(900_000); // the first start installs Spark
    shared = await mkdtemp(join(tmpdir(), "spark-arrow-stream-shared-"));
    cluster = await startCluster(2);
    spark = await connect(cluster.url, { token: cluster.token });
    await until(async () => (await cluster.executors()).length === 2, "two executors run");
  });
  after(async () => {
    await spark?.close();
    await cluster?.[Symbol.asyncDispose]();
    await rm(shared, { recursive: true, force: true });
  });

  /** Kills one executor when the first batch is here. Resolves to how often each id came. */
  async function readWhileOneDies(options: SparkStreamOptions): Promise<Uint8Array> {
    const seen = new Uint8Array(ROWS);
    const [victim] = await cluster.executors();
    let killed = false;
    for await (const batch of sparkStream(spark.sql(QUERY), options)) {
      if (!killed) kill(victim!, "SIGKILL");
      killed = true;
      for (const id of batch.getChild("id")!) seen[Number(id)]!++;
      expect(batchInfo(batch)).not.to.equal(undefined);
    }
    return seen;
  }

  for (const delivery of ["result", "push"] as const) {
    it(`"${delivery}" gives every row once though an executor is killed in the middle`, async () => {
      const seen = await readWhileOneDies({ delivery, maxRecordsPerBatch: 5_000, readAheadBytes: 1024 * 1024 });
      expect(seen.every((count) => count === 1)).to.equal(true);
      await until(async () => (await cluster.executors()).length === 2, "a new executor runs");
    });
  }

  for (const delivery of ["result", "push"] as const) {
    it(`"${delivery}" gives every row once though an executor comes late, and a worker goes for good`, async () => {
      const seen = new Uint8Array(ROWS);
      let batches = 0;
      for await (const batch of sparkStream(spark.sql(QUERY), { delivery, maxRecordsPerBatch: 5_000 })) {
        if (batches === 1) await cluster.addWorker();
        if (batches === 20) cluster.killWorker();
        batches++;
        for (const id of batch.getChild("id")!) seen[Number(id)]!++;
      }
      expect(seen.every((count) => count === 1)).to.equal(true);
      await until(async () => (await cluster.executors()).length === 2, "two executors are left");
    });
  }

  it('"staged" gives every row once while the executors live', async () => {
    const seen = new Uint8Array(ROWS);
    for await (const batch of sparkStream(spark.sql(QUERY), { delivery: "staged" })) {
      for (const id of batch.getChild("id")!) seen[Number(id)]!++;
    }
    expect(seen.every((count) => count === 1)).to.equal(true);
  });

  for (const place of ["path", "table"] as const) {
    it(`"staged" on a ${place} that all share gives every row once though executors are killed in the middle`, async () => {
      const staged = place === "path" ? { path: shared } : { table: "frame" };
      const seen = await readWhileOneDies({ delivery: "staged", staged: { ...staged, windowBytes: 4 * 1024 * 1024 } });
      expect(seen.every((count) => count === 1)).to.equal(true);
      await spark.client.stopped();
      expect(await readdir(shared)).to.deep.equal([]);
      expect((await sparkStream(spark.sql("SHOW TABLES")).toArray())[0]!.numRows).to.equal(0);
      await until(async () => (await cluster.executors()).length === 2, "a new executor runs");
    });
  }

  it('"staged" says what is lost when an executor dies, and what to use instead', async () => {
    const error = await errorOf(readWhileOneDies({ delivery: "staged", staged: { windowBytes: 4 * 1024 * 1024 } }));
    expect(error).to.have.property("code", "QUERY_FAILED");
    expect(error.message).to.match(/^A part of the staged frame was lost with an executor.* staged: \{ path:/);
  });
});
