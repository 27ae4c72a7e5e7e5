// The way back: a stream of record batches becomes a table, or files, whole or not at all.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Field, Int32, Int64, type RecordBatch, Schema, Uint32, Utf8 } from "apache-arrow";
import { expect } from "chai";
import {
  type SparkSession,
  type SparkWriterOptions,
  sparkStream,
  sparkWriter,
  type WriteTarget,
} from "../../lib/index.js";
import type { LocalSpark } from "../../lib/local/index.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";
import { batchOfValues, failure } from "../support/writers.js";

const numbers = (first: number, count: number) =>
  batchOfValues({ id: [new Int32(), Array.from({ length: count }, (_, row) => first + row)] });

async function* many(batches: number, rows = 1_000): AsyncGenerator<RecordBatch> {
  for (let batch = 0; batch < batches; batch++) yield numbers(batch * rows, rows);
}

describe("sparkWriter", function () {
  this.timeout(180_000);
  let ui: SparkUi;
  let server: LocalSpark;
  let spark: SparkSession;
  let dir: string;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open({}, { master: "local[2,4]" });
    server = ui.server;
    spark = await ui.connect();
    dir = await mkdtemp(join(tmpdir(), "into-"));
    await spark.execute(`CREATE DATABASE lake LOCATION '${dir}/lake'`);
  });
  after(async () => {
    await spark?.execute("DROP DATABASE IF EXISTS lake CASCADE");
    await spark?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  let count = 0;
  const target = () => ({ path: join(dir, `out-${count++}`), format: "parquet" });
  const sumOf = async (path: string) =>
    await spark.read
      .parquet(path)
      .agg("count(*) AS rows", "count(DISTINCT id) AS ids", "sum(id) AS sum")
      .first({ json: true });
  const expected = (rows: number) => ({ rows, ids: rows, sum: (rows * (rows - 1)) / 2 });

  /** Nothing runs, and nothing is there that a reader would take for rows. */
  async function expectNothing(path: string): Promise<void> {
    await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
    const names = existsSync(path) ? await readdir(path, { recursive: true }) : [];
    expect(names.filter((name) => !/^_temporary|\.crc$/.test(name))).to.deep.equal([]);
  }

  for (const delivery of ["upload", "pull"] as const) {
    describe(`by ${delivery}`, () => {
      it("appends to a table by the names of its columns, makes it, replaces it, or refuses to", async () => {
        const table = `lake.trips_${delivery}`;
        const write = (batch: RecordBatch, options: SparkWriterOptions) =>
          pipeline(
            Readable.from([batch]),
            sparkWriter(spark, { table: table, format: "parquet" }, { delivery, ...options }),
          );
        const trip = (id: number, city: string) =>
          batchOfValues({ id: [new Int32(), [id]], city: [new Utf8(), [city]] });
        const turned = (id: number, city: string) =>
          batchOfValues({ city: [new Utf8(), [city]], id: [new Int32(), [id]] });
        const rows = () => spark.table(table).orderBy("id").collect();
        await write(trip(1, "Rome"), {});
        await write(turned(2, "Oslo"), { mode: "append" });
        expect(await rows()).to.deep.equal([
          { id: 1, city: "Rome" },
          { id: 2, city: "Oslo" },
        ]);
        const there = await failure(write(trip(3, "Bern"), {}), "QUERY_FAILED");
        expect(there.errorClass).to.equal("TABLE_OR_VIEW_ALREADY_EXISTS");
        await write(trip(3, "Bern"), { mode: "ignore" });
        await pipeline(
          Readable.from(many(200)),
          sparkWriter(spark, { table: table }, { delivery, mode: "ignore", readAheadBytes: 10_000 }),
        );
        expect(await rows()).to.have.length(2);
        await write(trip(4, "Wien"), { mode: "overwrite" });
        expect(await rows()).to.deep.equal([{ id: 4, city: "Wien" }]);
        await failure(write(trip(1, "Rome").select(["id"]), { mode: "append" }), "QUERY_FAILED");
        expect(await rows()).to.have.length(1);
      });

      it("partitions as Spark does", async () => {
        const to = target();
        const source = sparkStream(spark.sql("SELECT id, id % 3 AS part FROM range(0, 30)"));
        await pipeline(
          source,
          sparkWriter(spark, to, { delivery, partitionBy: ["part"], options: { compression: "gzip" } }),
        );
        expect((await readdir(to.path)).filter((name) => name.includes("=")).sort()).to.deep.equal([
          "part=0",
          "part=1",
          "part=2",
        ]);
        expect(await spark.read.parquet(to.path).where("part = 2").count()).to.equal(10);
      });

      it("keeps every type of a frame that it is given", async () => {
        const types = [
          "true",
          "1Y",
          "2S",
          "3",
          "4L",
          "1.5F",
          "2.5D",
          "CAST(12345.678 AS DECIMAL(20, 3))",
          "'é日'",
          "X'00FF'",
          "DATE '2026-11-27'",
          "TIMESTAMP '2026-11-27 10:00:00.123456'",
          "TIMESTAMP_NTZ '2026-11-27 10:00:00.123456'",
          "INTERVAL '1 02:03:04.5' DAY TO SECOND",
          "array(1, NULL, 3)",
          "array(array('a'), NULL)",
          "named_struct('a b', 1, 'l', array(named_struct('x', 1L)))",
          "map('k', array(1), 'n', NULL)",
        ];
        const columns = types.map((type, index) => `IF(id % 3 = 0, NULL, ${type}) AS c${index}`);
        const frame = spark.sql(`SELECT id, ${columns} FROM range(0, 1000, 1, 3)`);
        const to = target();
        await pipeline(sparkStream(frame), sparkWriter(spark, to, { delivery }));
        const back = spark.read.parquet(to.path);
        expect(await back.dtypes()).to.deep.equal(await frame.dtypes());
        const rows = (of: typeof frame) => of.orderBy("id").collect();
        expect(await rows(back)).to.deep.equal(await rows(frame));
      });

      it("takes what apache-arrow makes, in types that Spark has", async () => {
        const to = target();
        await pipeline(
          Readable.from([batchOfValues({ n: [new Uint32(), [1, 4_000_000_000, null]] })]),
          sparkWriter(spark, to, { delivery }),
        );
        expect(await spark.read.parquet(to.path).dtypes()).to.deep.equal([["n", "bigint"]]);
        expect(await spark.read.parquet(to.path).agg("max(n) AS n").first()).to.deep.equal({ n: 4_000_000_000n });
      });

      it("takes row objects, by the types of the first ones or by a schema, and says which row does not fit", async () => {
        const to = target();
        function* people() {
          for (let id = 0; id < 2_500; id++)
            yield { id, name: id % 2 ? `n${id}` : null, at: new Date(id * 1000), tags: ["a"], n: { big: BigInt(id) } };
        }
        await pipeline(Readable.from(people()), sparkWriter(spark, to, { delivery }));
        const back = spark.read.parquet(to.path);
        expect(await back.dtypes()).to.deep.equal([
          ["id", "bigint"],
          ["name", "string"],
          ["at", "timestamp"],
          ["tags", "array<string>"],
          ["n", "struct<big:bigint>"],
        ]);
        expect(
          await back.agg("count(*) AS rows", "sum(n.big) AS sum", "count(name) AS names").first({ json: true }),
        ).to.deep.equal({
          rows: 2_500,
          sum: (2_500 * 2_499) / 2,
          names: 1_250,
        });
        const schema = new Schema([new Field("id", new Int64(), false)]);
        const wrong = target();
        const rows = [...Array.from({ length: 1_500 }, (_, id) => ({ id })), { id: "x" }];
        const error = await failure(
          pipeline(Readable.from(rows), sparkWriter(spark, wrong, { delivery, schema })),
          "INVALID_INPUT",
        );
        expect(error.message).to.include("Row 1500").and.to.include("id");
        await expectNothing(wrong.path);
      });

      it("makes an empty table of a schema, and refuses a stream of which nothing is known", async () => {
        const to = target();
        const schema = new Schema([new Field("a", new Int64()), new Field("b", new Utf8())]);
        await pipeline(Readable.from([]), sparkWriter(spark, to, { delivery, schema }));
        const empty = spark.read.schema("a BIGINT, b STRING").parquet(to.path);
        expect(await empty.count()).to.equal(0);
        const none = target();
        await failure(pipeline(Readable.from([]), sparkWriter(spark, none, { delivery })), "INVALID_INPUT");
        await expectNothing(none.path);
      });

      it("leaves nothing, and nothing that runs, when the source fails, or the writer is destroyed or aborted", async () => {
        for (const how of ["source", "destroy", "abort"]) {
          const to = target();
          const abort = new AbortController();
          const signal = how === "abort" ? { signal: abort.signal } : {};
          const writer = sparkWriter(spark, to, { delivery, readAheadBytes: 100_000, ...signal });
          async function* source() {
            yield* many(60);
            if (delivery === "pull") await until(async () => (await ui.runningTasks()) > 0, "tasks have begun");
            if (how === "source") throw new Error("the source has failed");
            if (how === "destroy") writer.destroy();
            if (how === "abort") abort.abort();
            yield* many(100_000);
          }
          const error = await pipeline(Readable.from(source()), writer).then(
            () => undefined,
            (cause: Error) => cause,
          );
          expect(error, how).to.be.instanceOf(Error);
          await expectNothing(to.path);
        }
        expect(await spark.range(3).count()).to.equal(3);
      });

      it("fails with Spark's error where Spark cannot write, and stops the source", async () => {
        const source = Readable.from(many(delivery === "pull" ? 1_000_000 : 100));
        const error = await failure(
          pipeline(source, sparkWriter(spark, { path: "/proc/nowhere", format: "parquet" }, { delivery })),
          "QUERY_FAILED",
        );
        expect(error.message.length).to.be.above(20);
        expect(source.destroyed).to.equal(true);
        await failure(
          pipeline(
            Readable.from(many(10)),
            sparkWriter(spark, { path: join(dir, "x"), format: "no-such-format" }, { delivery }),
          ),
          "QUERY_FAILED",
        );
      });

      it("refuses batches of another schema, and what is none", async () => {
        for (const [wrong, code] of [
          [batchOfValues({ id: [new Utf8(), ["a"]] }), "SCHEMA_MISMATCH"],
          ["text", "INVALID_INPUT"],
        ] as const) {
          const to = target();
          await failure(pipeline(Readable.from([numbers(0, 10), wrong]), sparkWriter(spark, to, { delivery })), code);
          await expectNothing(to.path);
        }
      });

      it("ends with its session", async () => {
        const own = await ui.connect();
        const to = target();
        const writer = sparkWriter(own, to, { delivery, readAheadBytes: 100_000 });
        const done = pipeline(Readable.from(many(1_000_000)), writer);
        const failed = failure(done, "SESSION_CLOSED");
        await until(() => writer.metrics.rows > 0, "rows are on their way");
        await own.close();
        await failed;
        await expectNothing(to.path);
      });
    });
  }

  describe("by upload alone", () => {
    it("writes what came in portions, each row once, in one go, and keeps nothing on the server", async () => {
      const to = target();
      const writer = sparkWriter(spark, to, { readAheadBytes: 100_000 });
      await pipeline(Readable.from(many(300)), writer);
      expect(await sumOf(to.path)).to.deep.equal(expected(300_000));
      expect(writer.metrics).to.include({ rows: 300_000, batches: 300 });
      const files = (await readdir(to.path)).filter((name) => name.endsWith(".parquet"));
      expect(files).to.have.length(1);
    });

    it("looks at the target before anything is sent", async () => {
      let asked = 0;
      async function* source() {
        for await (const batch of many(1_000)) {
          asked++;
          yield batch;
        }
      }
      const to = target();
      await spark.range(3).write.parquet(to.path);
      await spark.execute("CREATE OR REPLACE TABLE lake.there AS SELECT 1L AS id").catch(async () => {
        await spark.execute("CREATE TABLE lake.there USING parquet AS SELECT 1 AS id");
      });
      const into = async (where: WriteTarget, options: SparkWriterOptions, code: string) => {
        asked = 0;
        const error = await failure(
          pipeline(Readable.from(source()), sparkWriter(spark, where, options)),
          code as never,
        );
        expect(asked).to.be.below(40);
        return error;
      };
      expect((await into(to, {}, "QUERY_FAILED")).errorClass).to.equal("PATH_ALREADY_EXISTS");
      expect((await into({ table: "lake.there" }, {}, "QUERY_FAILED")).errorClass).to.equal(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
      );
      await spark.execute("CREATE TABLE lake.other USING parquet AS SELECT 1 AS number");
      expect((await into({ table: "lake.other" }, { mode: "append" }, "SCHEMA_MISMATCH")).message).to.include("`id`");
      await pipeline(Readable.from(many(10)), sparkWriter(spark, to, { mode: "ignore" }));
      expect(await spark.read.parquet(to.path).count()).to.equal(3);
    });

    it("is stopped while Spark writes the whole", async () => {
      const to = target();
      const abort = new AbortController();
      const slow = { ...to, format: "parquet" };
      const writer = sparkWriter(spark, slow, { readAheadBytes: 4_000_000, signal: abort.signal });
      const done = pipeline(Readable.from(many(300, 20_000)), writer);
      done.catch(() => {});
      await until(() => writer.metrics.rows === 6_000_000, "all rows are there");
      await until(() => existsSync(to.path), "the write has begun");
      abort.abort();
      await done.then(
        () => expect.fail("it should fail"),
        (error) => expect(error.name).to.equal("AbortError"),
      );
      await expectNothing(to.path);
    });

    it("is no victim of a temporary view of the table's name", async () => {
      await spark.range(5).createOrReplaceTempView("seen");
      await pipeline(Readable.from(many(1)), sparkWriter(spark, { table: "seen", format: "parquet" }));
      expect(await spark.sql("SELECT * FROM default.seen").count()).to.equal(1_000);
      await spark.execute("DROP TABLE default.seen");
    });

    it("replaces the table that its own source reads", async () => {
      await pipeline(Readable.from(many(20)), sparkWriter(spark, { table: "lake.same", format: "parquet" }));
      const odd = sparkStream(spark.table("lake.same").where("id % 2 = 1"));
      await pipeline(odd, sparkWriter(spark, { table: "lake.same", format: "parquet" }, { mode: "overwrite" }));
      expect(await spark.table("lake.same").count()).to.equal(10_000);
    });

    it("has what a frame has that is too large for one portion, whatever its types", async () => {
      const frame = spark.sql(
        "SELECT id, array(id, NULL) AS l, named_struct('a', CAST(id AS STRING)) AS s, map('k', id) AS m FROM range(0, 50000, 1, 4)",
      );
      const to = target();
      await pipeline(sparkStream(frame), sparkWriter(spark, to, { readAheadBytes: 300_000 }));
      const back = spark.read.parquet(to.path);
      expect(await back.dtypes()).to.deep.equal(await frame.dtypes());
      expect(await back.orderBy("id").collect()).to.deep.equal(await frame.orderBy("id").collect());
    });
  });

  describe("by pull alone", () => {
    for (const spool of [false, true]) {
      it(`writes files, each row once${spool ? ", kept in the meantime" : ""}, and finishes when they are there`, async () => {
        const to = target();
        const writer = sparkWriter(spark, to, { delivery: "pull", pull: { spool } });
        await pipeline(Readable.from(many(300)), writer);
        expect(await sumOf(to.path)).to.deep.equal(expected(300_000));
        expect(existsSync(join(to.path, "_SUCCESS"))).to.equal(true);
        expect(writer.metrics).to.include({ rows: 300_000, batches: 300 });
        expect(writer.metrics.bytes).to.be.above(1_200_000);
      });
    }

    it("says that executors cannot reach this process, within seconds and before any data", async () => {
      const to = target();
      const options = { delivery: "pull" as const, pull: { advertise: "127.0.0.1:9" } };
      const error = await failure(pipeline(Readable.from(many(10)), sparkWriter(spark, to, options)), "UNREACHABLE");
      expect(error.message).to.include("pull.advertise");
      await expectNothing(to.path);
    });

    it("makes a source wait, by bytes", async () => {
      const to = target();
      let asked = 0;
      async function* source() {
        for await (const batch of many(400)) {
          asked++;
          yield batch;
        }
      }
      // Spark's tasks have nothing to give to until the table's lock is free: here, until the session has a free slot.
      const blocked = spark.range(0, 2, 1, 2).select("java_method('java.lang.Thread', 'sleep', 4000L)").execute();
      await until(async () => (await ui.runningTasks()) === 2, "both slots are taken");
      const writer = sparkWriter(spark, to, { delivery: "pull", readAheadBytes: 100_000 });
      const done = pipeline(Readable.from(source()), writer);
      await blocked;
      expect(asked).to.be.below(150);
      await done;
      expect(await sumOf(to.path)).to.deep.equal(expected(400_000));
    });

    describe("whose tasks are killed", () => {
      async function* slowly(): AsyncGenerator<RecordBatch> {
        for await (const batch of many(300)) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          yield batch;
        }
      }

      it("is exact if batches are kept, whichever attempt has them in the end", async () => {
        const to = target();
        const writer = sparkWriter(spark, to, { delivery: "pull", pull: { spool: true } });
        const done = pipeline(Readable.from(slowly()), writer);
        for (const rows of [50_000, 150_000]) {
          await until(() => writer.metrics.rows > rows, "rows are on their way");
          const [worker] = pythonWorkers(server.pid);
          if (worker) killWorker(worker);
        }
        await done;
        expect(await sumOf(to.path)).to.deep.equal(expected(300_000));
      });

      it("fails as a whole if they are not, names spool, and leaves nothing", async () => {
        const to = target();
        const writer = sparkWriter(spark, to, { delivery: "pull" });
        const failed = failure(pipeline(Readable.from(slowly()), writer), "INPUT_LOST");
        await until(() => writer.metrics.rows > 50_000, "rows are on their way");
        for (const worker of pythonWorkers(server.pid)) killWorker(worker);
        expect((await failed).message).to.include("spool");
        await expectNothing(to.path);
      });
    });
  });
});
