// A stream as a DataFrame: read once, used as often as one likes.
import { Readable } from "node:stream";
import { Field, Int32, Int64, type RecordBatch, Schema, Utf8 } from "apache-arrow";
import { expect } from "chai";
import type { SparkSession } from "../../lib/index.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";
import { batchOfValues, failure } from "../support/writers.js";

const trips = (first: number, count: number) => {
  const ids = Array.from({ length: count }, (_, row) => first + row);
  return batchOfValues({ id: [new Int32(), ids], city: [new Int32(), ids.map((id) => id % 3)] });
};

describe("fromStream", function () {
  this.timeout(120_000);
  let ui: SparkUi;
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open();
    spark = await ui.connect();
  });
  after(() => spark?.close());

  for (const delivery of ["upload", "pull"] as const) {
    describe(`by ${delivery}`, () => {
      it("is joined with a table of Spark, sorted, and counted again, though the stream is read once", async () => {
        let reads = 0;
        async function* source(): AsyncGenerator<RecordBatch> {
          reads++;
          for (let batch = 0; batch < 100; batch++) yield trips(batch * 1_000, 1_000);
        }
        const cities = spark.sql("SELECT * FROM VALUES (0, 'Rome'), (1, 'Oslo') AS t(city, name)");
        const frame = spark.fromStream(source(), { delivery, readAheadBytes: 100_000 });
        const joined = frame
          .join(cities, "city")
          .groupBy("name")
          .agg("count(*) AS trips", "sum(id) AS sum")
          .orderBy("name");
        const sums = [0, 1].map((city) => {
          const ids = Array.from({ length: 100_000 }, (_, id) => id).filter((id) => id % 3 === city);
          return { trips: ids.length, sum: ids.reduce((sum, id) => sum + id, 0) };
        });
        expect(await joined.collect({ json: true })).to.deep.equal([
          { name: "Oslo", ...sums[1] },
          { name: "Rome", ...sums[0] },
        ]);
        expect((await frame.orderBy("id DESC").take(2, { json: true })).map(({ id }) => id)).to.deep.equal([
          99_999, 99_998,
        ]);
        expect(await frame.union(frame).distinct().count()).to.equal(100_000);
        expect(reads).to.equal(1);
      });

      it("takes row objects, web streams, arrays, and a schema for what may be empty", async () => {
        const rows = [
          { id: 1n, name: "a" },
          { id: 2n, name: null },
        ];
        for (const source of [rows, Readable.from(rows), Readable.toWeb(Readable.from(rows)) as never]) {
          expect(await spark.fromStream(source, { delivery }).orderBy("id").collect()).to.deep.equal(rows);
        }
        const schema = new Schema([new Field("id", new Int64()), new Field("name", new Utf8())]);
        expect(await spark.fromStream([], { delivery, schema }).count()).to.equal(0);
        expect((await failure(spark.fromStream([], { delivery }).count(), "INVALID_INPUT")).message).to.include(
          "schema",
        );
      });

      it("fails with the error of its source, at every use, and nothing runs", async () => {
        async function* source(): AsyncGenerator<RecordBatch> {
          yield trips(0, 10);
          if (delivery === "pull") await until(async () => (await ui.runningTasks()) > 0, "tasks have begun");
          throw new Error("the source has failed");
        }
        const frame = spark.fromStream(source(), { delivery, readAheadBytes: 100_000 });
        for (let use = 0; use < 2; use++) {
          await frame.count().then(
            () => expect.fail("it should fail"),
            (error) => expect(error.message).to.equal("the source has failed"),
          );
        }
        await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
      });

      it("is stopped with its first use, and says so to a later one", async () => {
        const abort = new AbortController();
        async function* endless(): AsyncGenerator<RecordBatch> {
          for (let batch = 0; ; batch++) yield trips(batch * 1_000, 1_000);
        }
        const frame = spark.fromStream(endless(), { delivery, readAheadBytes: 100_000 });
        const counted = frame.count({ signal: abort.signal });
        counted.catch(() => {});
        await until(async () => (await ui.runningTasks()) > 0, "tasks have begun");
        abort.abort();
        await counted.then(
          () => expect.fail("it should fail"),
          (error) => expect(error.name).to.equal("AbortError"),
        );
        await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
        await failure(frame.count(), "INVALID_INPUT");
      });

      it("is removed by unpersist(), after which it says so", async () => {
        const frame = spark.fromStream(
          Readable.from(Array.from({ length: 30 }, (_, batch) => trips(batch * 1_000, 1_000))),
          {
            delivery,
            readAheadBytes: 100_000,
          },
        );
        const doubled = frame.union(frame);
        expect(await doubled.count()).to.equal(60_000);
        expect(await frame.unpersist()).to.equal(frame);
        expect((await failure(doubled.count(), "INVALID_INPUT")).message).to.include("unpersist()");
        await frame.unpersist();
        const never = spark.fromStream([{ id: 1 }], { delivery });
        await never.unpersist();
        await failure(never.count(), "INVALID_INPUT");
      });
    });
  }

  describe("once", () => {
    const batches = () => Readable.from(Array.from({ length: 50 }, (_, batch) => trips(batch * 1_000, 1_000)));

    it("gives its rows to one query, without a copy", async () => {
      const frame = spark.fromStream(batches(), { once: true });
      expect(await frame.schema()).to.have.nested.property("fields.length", 2);
      const sums = await frame.groupBy("city").agg("count(*) AS rows").collect({ json: true });
      expect(sums.reduce((sum, { rows }) => sum + Number(rows), 0)).to.equal(50_000);
      // All of its parts in one task, and behind those of another frame.
      expect(await spark.fromStream(batches(), { once: true }).coalesce(1).count()).to.equal(50_000);
      const behind = spark.range(7).select("CAST(id AS INT) AS id", "1 AS city");
      expect(await behind.union(spark.fromStream(batches(), { once: true })).count()).to.equal(50_007);
    });

    it("fails with a typed error, and never has other rows, where Spark reads it a second time", async () => {
      type Frame = ReturnType<typeof spark.fromStream>;
      const uses: ((frame: Frame) => Promise<unknown>)[] = [
        (frame) => frame.orderBy("id").collect(),
        (frame) => frame.union(frame).count(),
        (frame) => frame.join(frame, "id").count(),
        async (frame) => {
          expect(await frame.count()).to.equal(50_000);
          return await frame.count();
        },
      ];
      for (const use of uses) {
        const frame = spark.fromStream(batches(), { once: true });
        const { message } = await failure(use(frame), "INPUT_LOST");
        expect(message).to.match(/^Spark reads the stream's rows a second time.*spool: true/);
        await frame.unpersist();
      }
      await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
    });

    it("is read as often as one likes if this process keeps what tasks took", async () => {
      const frame = spark.fromStream(batches(), { once: true, pull: { spool: true } });
      expect(await frame.union(frame).count()).to.equal(100_000);
      expect(await frame.union(frame).coalesce(1).count()).to.equal(100_000);
      expect(await frame.orderBy("id DESC").limit(1).collect({ json: true })).to.deep.equal([{ id: 49_999, city: 1 }]);
      await frame.unpersist();
    });

    it("fails with what its source has failed with", async () => {
      async function* source(): AsyncGenerator<RecordBatch> {
        yield trips(0, 1_000);
        await until(async () => (await ui.runningTasks()) > 0, "tasks have begun");
        throw new Error("the source has failed");
      }
      const { message } = await failure(spark.fromStream(source(), { once: true }).count(), "INPUT_LOST");
      expect(message).to.equal("The stream has failed: the source has failed");
    });

    it("ends its source with unpersist(), if a query wanted only some rows", async () => {
      const source = batches();
      const frame = spark.fromStream(source, { once: true, readAheadBytes: 1_000 });
      expect(await frame.limit(3).collect()).to.have.length(3);
      expect(source.destroyed).to.equal(false);
      await frame.unpersist();
      expect(source.destroyed).to.equal(true);
      await failure(frame.count(), "INVALID_INPUT");
    });
  });

  it("refuses a stream that something else has read, or that is none", async () => {
    const read = Readable.from([1]);
    await read.toArray();
    for (const source of [read, 5, "rows", {}]) {
      expect(() => spark.fromStream(source as never))
        .to.throw()
        .with.property("code", "INVALID_INPUT");
    }
    expect(() => spark.fromStream([], { schemas: 1 } as never))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
  });
});
