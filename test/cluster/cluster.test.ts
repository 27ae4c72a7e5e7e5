// A real cluster whose executors die: what survives, and what says that it does not.

import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import {
  batchInfo,
  connect,
  type SparkSession,
  type SparkStreamOptions,
  type SparkWriterOptions,
  sparkStream,
  sparkWriter,
} from "../../lib/index.js";
import { notInCheck } from "../support/check.js";
import { pythonDaemons } from "../support/python-workers.js";
import { errorOf } from "../support/scripted.js";
import { until } from "../support/until.js";
import { type SparkCluster, startCluster } from "./spark-cluster.js";

const ROWS = 1_000_000;
/** Each partition takes a while, so that some are still to be computed when the first rows are here. */
const QUERY = `SELECT id, sha2(sha2(CAST(id AS STRING), 512), 256) AS text FROM range(0, ${ROWS}, 1, 20)`;

/** How many ids never came, and how many came more than once. */
function wrongOf(seen: Uint8Array) {
  return { lost: seen.filter((count) => count === 0).length, doubled: seen.filter((count) => count > 1).length };
}
const none = { lost: 0, doubled: 0 };

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
      expect(wrongOf(seen)).to.deep.equal(none);
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
      expect(wrongOf(seen)).to.deep.equal(none);
      await until(async () => (await cluster.executors()).length === 2, "two executors are left");
    });
  }

  it('"push" gives every row once though the JVM of a task is gone, and its Python worker lives on', async () => {
    // One partition of 10 batches, each larger than what Spark collects before it writes to a worker; it waits after the fifth.
    const wait = "IF(id = 5000, java_method('java.lang.Thread', 'sleep', 8000L), '')";
    const query = spark.sql(`SELECT id, repeat('x', 100) AS text, ${wait} AS wait FROM range(0, 10000, 1, 1)`);
    const seen = new Uint8Array(10_000);
    let [batches, stopped] = [0, 0];
    for await (const batch of sparkStream(query, { delivery: "push", maxRecordsPerBatch: 1_000 })) {
      for (const id of batch.getChild("id")!) seen[Number(id)]!++;
      if (++batches !== 5) continue;
      for (const executor of await cluster.executors()) {
        // A stopped daemon does not end its workers when the JVM is gone. On a busy machine a running one may be too late, too.
        const daemons = pythonDaemons(executor);
        for (const daemon of daemons) kill(daemon, "SIGSTOP");
        stopped += daemons.length;
        kill(executor, "SIGKILL"); // the system then ends the daemon
      }
    }
    expect(stopped).to.be.greaterThan(0);
    expect(wrongOf(seen)).to.deep.equal(none);
    await until(async () => (await cluster.executors()).length === 2, "two new executors run");
  });

  it('"staged" gives every row once while the executors live', async () => {
    const seen = new Uint8Array(ROWS);
    for await (const batch of sparkStream(spark.sql(QUERY), { delivery: "staged" })) {
      for (const id of batch.getChild("id")!) seen[Number(id)]!++;
    }
    expect(wrongOf(seen)).to.deep.equal(none);
  });

  for (const place of ["path", "table"] as const) {
    it(`"staged" on a ${place} that all share gives every row once though executors are killed in the middle`, async () => {
      const staged = place === "path" ? { path: shared } : { table: "frame" };
      const seen = await readWhileOneDies({ delivery: "staged", staged: { ...staged, windowBytes: 4 * 1024 * 1024 } });
      expect(wrongOf(seen)).to.deep.equal(none);
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

  /** The ids of a stream that comes slowly enough to be hit, and those that a reader of the written files finds. */
  async function writeWhileOneDies(options: SparkWriterOptions): Promise<{ path: string; error: Error | undefined }> {
    const path = join(shared, `out-${Math.random().toString(36).slice(2)}`);
    const [victim] = await cluster.executors();
    async function* source() {
      for (let batch = 0; batch < 200; batch++) {
        if (batch === 100) kill(victim!, "SIGKILL");
        const ids = Int32Array.from({ length: 5_000 }, (_, row) => batch * 5_000 + row);
        yield* tableFromArrays({ id: ids }).batches;
        await setTimeout(20);
      }
    }
    const error = await pipeline(
      Readable.from(source()),
      sparkWriter(spark, { path, format: "parquet" }, options),
    ).then(
      () => undefined,
      (error: Error) => error,
    );
    await until(async () => (await cluster.executors()).length === 2, "a new executor runs");
    return { path, error };
  }

  const written = async (path: string) =>
    await spark.read
      .parquet(path)
      .agg("count(*) AS rows", "count(DISTINCT id) AS ids", "sum(id) AS sum")
      .first({ json: true });
  const all = { rows: ROWS, ids: ROWS, sum: (ROWS * (ROWS - 1)) / 2 };

  it("sparkWriter() writes every row once though an executor is killed, if this process keeps what tasks took", async () => {
    const { path, error } = await writeWhileOneDies({ delivery: "pull", pull: { spool: true } });
    expect(error).to.equal(undefined);
    expect(await written(path)).to.deep.equal(all);
  });

  for (const [how, options, words] of [
    ["by pull", { delivery: "pull" }, /spool: true/],
    [
      "by upload",
      { delivery: "upload", readAheadBytes: 200_000 },
      /^A part of the rows was lost with an executor.*spark\.checkpoint\.dir/,
    ],
  ] as const) {
    it(`sparkWriter() ${how} writes all or nothing when an executor is killed, and says what is lost`, async () => {
      const { path, error } = await writeWhileOneDies(options);
      if (error) {
        expect(error).to.have.property("code", "INPUT_LOST");
        expect(error.message).to.match(words);
        expect(existsSync(join(path, "_SUCCESS"))).to.equal(false);
        const names = existsSync(path) ? await readdir(path, { recursive: true }) : [];
        expect(names.filter((name) => name.endsWith(".parquet") && !name.startsWith("_temporary"))).to.deep.equal([]);
      } else {
        // The one that was killed had no part of it.
        expect(await written(path)).to.deep.equal(all);
      }
    });
  }
});
