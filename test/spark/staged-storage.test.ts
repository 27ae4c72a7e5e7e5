// Staged onto storage that Spark's driver and executors share: a directory, or a table.
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { batchInfo, type DataFrame, type SparkSession, sparkStream, splitSparkStream } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";

describe('delivery: "staged" on storage that all share', function () {
  this.timeout(180_000);
  let spark: SparkSession;
  let directory: string;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    await spark.sql("CREATE DATABASE IF NOT EXISTS staging").execute();
    directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-staged-"));
  });
  after(async () => {
    await spark?.sql("DROP DATABASE staging CASCADE").execute();
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach("nothing may be left", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    expect(await readdir(directory)).to.deep.equal([]);
    for (const what of ["TABLES IN staging", "VIEWS", "DATABASES LIKE 'spark_arrow_stream*'"]) {
      const [left] = (await sparkStream(spark.sql(`SHOW ${what}`)).toArray()) as RecordBatch[];
      expect(left!.numRows, what).to.equal(0);
    }
  });

  /** The rows in order, each with its partition, and the fields without what tells whether they may be null. */
  async function contentOf(stream: ReturnType<typeof sparkStream>) {
    const rows: string[] = [];
    for await (const batch of stream) {
      for (let row = 0; row < batch.numRows; row++) {
        rows.push(batch.schema.fields.map((_, column) => `${batch.getChildAt(column)!.get(row)}`).join());
      }
    }
    const { fields } = await stream.schema;
    const types = fields.map(({ name, type }) => `${name}: ${`${type}`.replaceAll(/[?]/g, "")}`);
    return { types, rows };
  }

  const places = {
    path: () => ({ path: directory }),
    table: () => ({ table: "staging.frame" }),
  };
  const frames: Record<string, () => DataFrame> = {
    "of many types": () =>
      spark.sql(`SELECT id, IF(id % 3 = 0, NULL, CAST(id AS STRING)) AS text, array(id, NULL) AS list,
        map('k', named_struct('x', id, 'y', CAST('é' AS BINARY))) AS map, id * 1.5BD AS amount, parse_json('{"a":1}') AS v,
        DATE'2024-01-01' AS day, TIMESTAMP_NTZ'2024-01-01 00:00:00.000001' AS at, INTERVAL '3' MONTH AS gap,
        CAST(id AS TINYINT) AS tiny FROM range(0, 100, 1, 5)`),
    "that is sorted": () => spark.range(0, 20_000, 1, 4).select("id", "id % 10 AS k").orderBy("k DESC", "id"),
    "of a shuffle": () => spark.range(0, 20_000, 1, 4).groupBy("id % 1000 AS k").agg("sum(id) AS s").orderBy("k"),
    "that is limited": () => spark.range(0, 1000, 1, 1).limit(100).offset(10),
    "whose columns have one name, or names that formats do not take": () =>
      spark.sql("SELECT id AS a, 'x' AS a, 2 AS A, 3 AS `a b;{}()\n\t=,.`, 4 AS p, 5 AS r FROM range(0, 10, 1, 3)"),
    "without rows": () => spark.range(0, 10, 1, 3).where("id < 0"),
    "without columns": () => spark.range(0, 10, 1, 3).select(),
    "with partitions without rows": () => spark.range(0, 1000, 1, 10).where("id > 250 AND id < 720"),
  };
  for (const [place, staged] of Object.entries(places)) {
    for (const [what, frame] of Object.entries(frames)) {
      it(`gives a frame ${what} from a ${place} as "result" does: names, types, rows and their order`, async () => {
        const options = { delivery: "staged", staged: { ...staged(), windowBytes: 10_000 } } as const;
        expect(await contentOf(sparkStream(frame(), options))).to.deep.equal(await contentOf(sparkStream(frame())));
      });
    }

    it(`gives of a ${place} the partitions that are chosen, and tells of every batch its own`, async () => {
      const frame = spark.range(0, 25_000, 1, 5).where("id < 5000 OR id >= 10000");
      const found: unknown[] = [];
      const options = { delivery: "staged", staged: { ...staged(), partitions: [0, 2, 4] }, maxRecordsPerBatch: 3000 };
      for await (const batch of sparkStream(frame, options as { delivery: "staged" })) {
        found.push([batchInfo(batch), batch.numRows, batch.getChildAt(0)!.get(0)]);
      }
      const rows = (partition: number, rowOffset: number) => [
        [{ partition, rowOffset }, 3000, BigInt(partition * 5000)],
        [{ partition, rowOffset: rowOffset + 3000 }, 2000, BigInt(partition * 5000 + 3000)],
      ];
      expect(found).to.deep.equal([...rows(0, 0), ...rows(2, 5000), ...rows(4, 10_000)]);
    });

    it(`removes the ${place} when the stream is destroyed, whatever it is doing`, async () => {
      for (const wait of [0, 100, 300, 600, 1500]) {
        const frame = spark.sql("SELECT id, uuid() AS u FROM range(0, 400000, 1, 8)").repartition(8);
        const stream = sparkStream(frame, { delivery: "staged", staged: { ...staged(), windowBytes: 1_000_000 } });
        stream.resume();
        await sleep(wait); // the moment is what is tried
        stream.destroy();
        await new Promise((resolve) => (stream.closed ? resolve(null) : stream.once("close", resolve)));
        await spark.client.stopped();
        expect(await readdir(directory), `after ${wait} ms`).to.deep.equal([]);
      }
    });

    it(`removes the ${place} when a task fails while staging, with the query's own error`, async () => {
      const frame = spark.sql("SELECT assert_true(id < 5000), id FROM range(0, 6000, 1, 6)");
      const error = await errorOf(sparkStream(frame, { delivery: "staged", staged: staged() }).toArray());
      expect(error).to.include({ code: "QUERY_FAILED", errorClass: "USER_RAISED_EXCEPTION" });
    });

    it(`removes the ${place} when the session is closed under a stream`, async () => {
      const other = await sparkSession();
      const frame = other.range(0, 400_000, 1, 8);
      const stream = sparkStream(frame, { delivery: "staged", staged: { ...staged(), windowBytes: 400_000 } });
      await once(stream, "readable");
      const failed = errorOf(new Promise((_, reject) => stream.once("error", reject)));
      await other.close();
      expect(await failed).to.include({ code: "SESSION_CLOSED" });
    });
  }

  it("splits a frame over streams, and keeps it until the last is over", async () => {
    const streams = splitSparkStream(spark.range(0, 60_000, 1, 7), 3, { staged: { path: directory } });
    const read = async (stream: AsyncIterable<RecordBatch>) => {
      const ids: number[] = [];
      for await (const batch of stream) {
        ids.push(...Array.from(batch.getChildAt(0)!.toArray() as BigInt64Array, Number));
      }
      return ids;
    };
    const parts: number[][] = [];
    for (const stream of streams) parts.push(await read(stream));
    expect(parts.every(({ length }) => length > 10_000)).to.equal(true);
    expect(parts.flat()).to.deep.equal(Array.from({ length: 60_000 }, (_, id) => id));
  });

  it("is one snapshot of a frame that is another each time it is computed", async () => {
    const frame = spark.sql("SELECT id, rand() AS r FROM range(0, 4000, 1, 8)").repartition(8);
    const ids: number[] = [];
    const options = { delivery: "staged", staged: { path: directory, windowBytes: 10_000 } } as const;
    for await (const batch of sparkStream(frame, options)) ids.push(...Array.from(batch.getChild("id")!, Number));
    expect(ids.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 4000 }, (_, id) => id));
  });

  it("names the column of a type that files do not have", async () => {
    const frame = spark.sql("SELECT 1 AS one, make_interval(0, 1) AS `my gap`");
    const error = await errorOf(sparkStream(frame, { delivery: "staged", staged: { path: directory } }).toArray());
    expect(error).to.include({ code: "UNSUPPORTED_TYPE" });
    expect(error.message).to.match(/^Column "my gap" has a type that cannot be staged in /);
  });

  it("fails when files are removed underneath, and gives no other rows", async () => {
    const frame = spark.range(0, 80_000, 1, 8);
    const stream = sparkStream(frame, {
      delivery: "staged",
      staged: { path: directory, windowBytes: 100_000 },
      readAheadBytes: 1,
    });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const [made] = await readdir(directory);
    await rm(join(directory, made!, "p=7"), { recursive: true });
    const error = await errorOf(
      (async () => {
        while (!(await iterator.next()).done);
      })(),
    );
    expect(error.code).to.be.oneOf(["QUERY_FAILED", "INCOMPLETE_RESULT"]);
  });

  it("fails with the system's word, before the rows are computed, where it cannot write", async () => {
    const frame = spark.sql("SELECT id FROM range(0, 10, 1, 2)");
    const path = "file:/proc/nothing";
    const error = await errorOf(sparkStream(frame, { delivery: "staged", staged: { path } }).toArray());
    expect(error).to.have.property("code", "QUERY_FAILED");
    expect(error.message).to.include("/proc/nothing");
  });
});
