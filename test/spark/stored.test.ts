// Delivery "stored" through a directory that Spark's tasks and this process share.
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Field, RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { mapInArrow, type PythonFunction } from "../../lib/connect/python/python-function.js";
import {
  arrowIpcBytes,
  batchInfo,
  type DataFrame,
  type SparkSession,
  type SparkStreamOptions,
  type StoredOptions,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import type { LocalSpark } from "../../lib/local/index.js";
import { FileStore } from "../../lib/store/file-store.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import { checkReports } from "../support/reports.js";
import { errorOf } from "../support/scripted.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { ownTimeOf, until } from "../support/until.js";

const master = "local[2,4]";

const many = (spark: SparkSession, rows: number, partitions: number) =>
  spark.sql(`SELECT id, repeat(chr(97 + id % 26), 92) AS text FROM range(0, ${rows}, 1, ${partitions})`);

function described({ name, type, nullable, metadata }: Field): unknown {
  return { name, type: `${type}`, nullable, metadata: [...metadata], children: type.children?.map(described) ?? [] };
}

const rowsOf = (batches: readonly RecordBatch[]) =>
  batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, row) =>
      batch.schema.fields.map((_field, column) => `${batch.getChildAt(column)!.get(row)}`).join(),
    ),
  );

const idsIn = (batch: RecordBatch) => [...(batch.getChildAt(0)!.toArray() as BigInt64Array)].map(Number);

async function idsOf(batches: AsyncIterable<RecordBatch>, each: () => Promise<unknown> = async () => {}) {
  const ids: number[] = [];
  for await (const batch of batches) {
    ids.push(...idsIn(batch));
    await each();
  }
  return ids;
}

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);
const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

describe('delivery: "stored" on a real Spark', function () {
  this.timeout(120_000);
  let server: LocalSpark;
  let spark: SparkSession;
  let directory: string;
  let store: { uri: string };
  const stored = (options: StoredOptions = {}) =>
    ({ delivery: "stored", store, stored: options }) satisfies SparkStreamOptions;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    server = await sparkServer({ master });
    spark = await sparkSession({ master });
    directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-stored-"));
    store = { uri: pathToFileURL(directory).href };
  });
  afterEach("nothing may be left on the server or in the store", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    expect(await readdir(directory)).to.deep.equal([]);
  });
  after(async () => {
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const frames: Record<string, () => DataFrame> = {
    "of many types": () =>
      spark.sql(`SELECT id, IF(id % 3 = 0, NULL, CAST(id AS STRING)) AS text, array(id, NULL) AS list,
        map('k', named_struct('x', id, 'y', CAST('é' AS BINARY))) AS map, id * 1.5BD AS amount, parse_json('{"a":1}') AS v,
        make_interval(0, 1) AS gap, DATE'2024-01-01' AS day, CAST('1.5' AS DECIMAL(5, 2)) AS never_null,
        ST_GeomFromWKB(X'0101000000000000000000F03F0000000000000040') AS place FROM range(0, 3000, 1, 5)`),
    "that is sorted": () => spark.range(0, 20_000, 1, 4).select("id", "id % 10 AS k").orderBy("k DESC", "id"),
    "that is limited": () => spark.range(0, 1000, 1, 1).limit(100).offset(10),
    "of a shuffle": () => spark.range(0, 20_000, 1, 4).groupBy("id % 1000 AS k").agg("sum(id) AS s").orderBy("k"),
    "whose columns have one name": () => spark.sql("SELECT id AS a, 'x' AS a, 2 AS A FROM range(0, 10, 1, 3)"),
    "without columns": () => spark.range(0, 10, 1, 3).select(),
    "without rows": () => spark.range(0, 10, 1, 3).where("id < 0"),
    "without partitions": () => spark.sql("SELECT 1 AS x, 'a' AS y WHERE false"),
    "with partitions without rows": () => spark.range(0, 1000, 1, 10).where("id > 250 AND id < 720"),
  };
  for (const [what, frame] of Object.entries(frames)) {
    it(`gives a frame ${what} as "result" does: schema, batches, rows and their order`, async () => {
      const stream = sparkStream(frame(), stored());
      const result = sparkStream(frame());
      const [batches, expected] = [await stream.toArray(), await result.toArray()];
      expect((await stream.schema).fields.map(described)).to.deep.equal((await result.schema).fields.map(described));
      const sizes = (all: RecordBatch[]) => all.map(({ numRows }) => numRows).filter((rows) => rows > 0);
      expect(sizes(batches)).to.deep.equal(sizes(expected));
      expect(rowsOf(batches)).to.deep.equal(rowsOf(expected));
    });
  }

  for (const order of ["partition", "arrival"] as const) {
    it(`gives every batch with its partition, in the order of ${order}, within a small budget`, async () => {
      const found = new Map<number, number[]>();
      const partitions: number[] = [];
      const options = { ...stored({ order }), maxRecordsPerBatch: 500, readAheadBytes: 1 };
      for await (const batch of sparkStream(spark.range(0, 25_000, 1, 5), options)) {
        const { partition } = batchInfo(batch)!;
        partitions.push(partition!);
        found.set(partition!, [...(found.get(partition!) ?? []), ...idsIn(batch)]);
      }
      expect([...found.keys()].sort()).to.deep.equal([0, 1, 2, 3, 4]);
      for (const [partition, ids] of found) expect(ids).to.deep.equal(upTo(5000).map((id) => partition * 5000 + id));
      if (order === "partition") expect(partitions).to.deep.equal(sorted(partitions));
    });
  }

  it("stores a partition in parts of at most 64 MiB, and reads them in order", async () => {
    const rows = 1_200_000;
    // Without compression, 120 MB in one partition.
    const stream = sparkStream(many(spark, rows, 1), { ...stored(), compression: "none" });
    await once(stream, "readable");
    const [name] = await readdir(directory);
    const files = (await readdir(join(directory, name!))).filter((file) => file !== "probe");
    expect(files.sort().map((file) => file.replace(/^p0-t\d+-/, ""))).to.deep.equal(["0.arrow", "1.arrow"]);
    expect(await idsOf(stream)).to.deep.equal(upTo(rows));
  });

  it("delivers the rows of finished tasks while others still run", async () => {
    const mark = join(directory, "go-on");
    const waiting: PythonFunction = {
      name: "waiting",
      expression: `lambda batches, wait=(lambda batch, os=__import__("os"), time=__import__("time"): [
        time.sleep(0.05) for _ in iter(lambda: batch.column(0)[0].as_py() < 3 or os.path.exists(${JSON.stringify(mark)}), True)]
        ): (wait(batch) and batch or batch for batch in batches)`,
      output: { id: "long" },
    };
    const frame = mapInArrow(spark.range(0, 4, 1, 4), waiting, { name: "this test", instead: "nothing" });
    const ids: number[] = [];
    for await (const batch of sparkStream(frame, stored())) {
      ids.push(...idsIn(batch));
      if (ids.length === 3) await writeFile(mark, "");
    }
    expect(ids).to.deep.equal([0, 1, 2, 3]);
    await rm(mark);
  });

  it("honours compression and maxRecordsPerBatch, of the stream", async () => {
    const plain = sparkStream(many(spark, 10_000, 2), { ...stored(), compression: "none", maxRecordsPerBatch: 1000 });
    expect((await plain.toArray()).map(({ numRows }) => numRows)).to.deep.equal(Array(10).fill(1000));
    const compressed = sparkStream(many(spark, 10_000, 2), { ...stored(), maxRecordsPerBatch: 1000 });
    expect(await idsOf(compressed)).to.deep.equal(upTo(10_000));
    expect(compressed.metrics.bytes).to.be.below(plain.metrics.bytes / 5);
  });

  it("joins the small batches that Spark makes of strings, up to the rows and the 2 MiB of a batch", async () => {
    const strings = (length: number) =>
      spark
        .range(0, 12_000, 1, 1)
        .select("id", ...["a", "b", "c"].map((name) => `repeat('${name}', ${length}) AS ${name}`));
    const rows = async (length: number) =>
      (await sparkStream(strings(length), stored()).toArray()).map(({ numRows }) => numRows);
    const [short, long] = [await rows(10), await rows(1000)];
    expect(short).to.have.length(2);
    expect(short[0]).to.be.within(8_000, 10_000);
    expect(Math.max(...long)).to.be.below(2_000); // they have 4 MB already
  });

  it("forwards the bytes as one Arrow IPC stream", async () => {
    const { tableFromIPC } = await import("apache-arrow");
    const pieces = await arrowIpcBytes(many(spark, 10_000, 3), { ...stored(), compression: "none" }).toArray();
    const table = tableFromIPC(Buffer.concat(pieces));
    expect([...(table.getChild("id")!.toArray() as BigInt64Array)].map(Number)).to.deep.equal(upTo(10_000));
  });

  it("has progress, Spark's metrics and observed ones", () => checkReports(spark, stored()));

  it("fails as the query does when a task fails, and leaves nothing", async () => {
    const frame = spark.sql("SELECT id, assert_true(id < 5000) FROM range(0, 6000, 1, 6)");
    const error = await errorOf(sparkStream(frame, stored()).toArray());
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: "USER_RAISED_EXCEPTION" });
  });

  it("gives every row once though Python workers are killed in the middle of a partition", async () => {
    const stream = sparkStream(many(spark, 3_000_000, 6), { ...stored(), compression: "none" });
    let killed = 0;
    const killing = (async () => {
      for (const part of [/^p1-/, /^p3-/]) {
        await until(async () => {
          const [name] = await readdir(directory);
          return name !== undefined && (await readdir(join(directory, name))).some((file) => part.test(file));
        }, `a file ${part}`);
        const workers = pythonWorkers(server.pid);
        for (const pid of workers) killWorker(pid);
        killed += workers.length;
      }
    })();
    const ids = await idsOf(stream);
    await killing;
    expect(killed).to.be.at.least(2);
    expect(ids).to.have.length(3_000_000);
    expect(ids.every((id, index) => id === index)).to.equal(true);
  });

  it("stops at once when it is destroyed, before and after the first batch", async () => {
    for (const read of [false, true]) {
      const stream = sparkStream(many(spark, 5_000_000, 8), { ...stored(), readAheadBytes: 1 });
      if (read) await once(stream, "readable");
      else await until(async () => (await readdir(directory)).length > 0, "a directory");
      stream.destroy();
      expect(await ownTimeOf(once(stream, "close"))).to.be.below(3000);
      await spark.client.stopped();
      expect(await readdir(directory), `${read}`).to.deep.equal([]);
    }
  });

  it("removes what tasks finish after their stream was stopped, where a file may be in a directory that is gone", async () => {
    const here = new FileStore(store.uri);
    let late = "";
    const bucket = Object.assign(new FileStore(store.uri), {
      uri: "bucket:",
      async remove(name: string) {
        await here.remove(name);
        if (late !== "") return;
        late = join(directory, name);
        await mkdir(late);
      },
    });
    const stream = sparkStream(many(spark, 5_000_000, 8), { ...stored(), store: bucket, readAheadBytes: 1 });
    await once(stream, "readable");
    stream.destroy();
    await until(() => late !== "", "the directory is removed");
    expect(await readdir(directory)).to.have.length(1);
    await spark.client.stopped();
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it("ends with its session", async () => {
    const other = await sparkSession({ master });
    const stream = sparkStream(many(other, 1_000_000, 8), { ...stored(), readAheadBytes: 1 });
    await once(stream, "readable");
    const failed = errorOf(new Promise((_, reject) => stream.once("error", reject)));
    await other.close();
    expect(await failed).to.include({ code: "SESSION_CLOSED" });
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it("splits a frame over streams that are read one after the other", async () => {
    const streams = splitSparkStream(spark.range(0, 60_000, 1, 7), 3, { ...stored(), readAheadBytes: 1000 });
    const ids: number[] = [];
    const partitions: number[][] = [];
    for (const stream of streams) {
      const found = new Set<number>();
      for await (const batch of stream) {
        found.add(batchInfo(batch)!.partition!);
        ids.push(...idsIn(batch));
      }
      partitions.push([...found]);
    }
    expect(sorted(ids)).to.deep.equal(upTo(60_000));
    expect(partitions).to.deep.equal([
      [0, 3, 6],
      [1, 4],
      [2, 5],
    ]);
  });

  it("leaves the files where it is told to, and later streams leave them, too", async () => {
    await sparkStream(spark.range(10), stored({ keep: true })).toArray();
    await sparkStream(spark.range(10), stored()).toArray();
    await spark.client.stopped();
    const [name, ...others] = await readdir(directory);
    expect(name).to.match(/^spark-arrow-result-\d{8}T\d{9}Z-[0-9a-f]{12}$/);
    expect(others).to.deep.equal([]);
    await rm(join(directory, name!), { recursive: true });
  });

  it("removes what a killed process left more than a day ago, and nothing younger or of others", async () => {
    const old = "spark-arrow-stream-20240101T000000000Z-0123456789ab";
    const young = `spark-arrow-stream-${new Date().toISOString().replace(/[-:.]/g, "")}-0123456789ab`;
    for (const name of [old, young, "20240101"]) await mkdir(join(directory, name, "x"), { recursive: true });
    await sparkStream(spark.range(10), stored()).toArray();
    await until(async () => !(await readdir(directory)).includes(old), "the old one is gone");
    expect((await readdir(directory)).sort()).to.include.members(["20240101", young]);
    for (const name of [young, "20240101"]) await rm(join(directory, name), { recursive: true });
  });

  describe("tells within seconds, before the query,", () => {
    const frame = () => spark.sql("SELECT raise_error('the query ran')");

    it("that this process may not write", async () => {
      const missing = { uri: `${store.uri}/missing` };
      const error = await errorOf(sparkStream(frame(), { ...stored(), store: missing }).toArray());
      expect(error).to.include({ code: "STORE_FAILED" });
      expect(error.message).to.match(/^This process cannot make a directory in the store file:.*ENOENT/);
    });

    it("that the executors do not see the directory", async () => {
      const other = Object.assign(new FileStore(store.uri), {
        executors: { filesystem: "fs.LocalFileSystem()", path: "/nonexistent" },
      });
      await using own = await sparkSession({ master });
      const error = await errorOf(sparkStream(own.range(1), { ...stored(), store: other }).toArray());
      expect(error).to.include({ code: "STORE_FAILED" });
      expect(error.message).to.match(
        /^A task on Spark's executors cannot write to the store: \S+ cannot write to \/non/,
      );
    });

    it("that this process does not see what the executors wrote", async () => {
      const elsewhere = await mkdtemp(join(tmpdir(), "spark-arrow-stream-elsewhere-"));
      const here = new FileStore(store.uri);
      const other = Object.assign(new FileStore(store.uri), {
        create: async (name: string) => {
          await here.create(name);
          await mkdir(join(elsewhere, name));
        },
        executors: { filesystem: "fs.LocalFileSystem()", path: elsewhere },
      });
      await using own = await sparkSession({ master });
      const error = await errorOf(sparkStream(own.range(1), { ...stored(), store: other }).toArray());
      expect(error).to.include({ code: "STORE_FAILED" });
      expect(error.message).to.match(/^An executor has written to the store, but this process cannot read .*ENOENT/);
      await rm(elsewhere, { recursive: true });
    });
  });
});
