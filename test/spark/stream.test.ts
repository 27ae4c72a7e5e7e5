import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { parquetWriter, type SparkSession, SparkStreamError, sparkStream } from "../../lib/index.js";
import { runPython } from "../support/python.js";
import { sparkSession } from "../support/spark.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { inTime, until } from "../support/until.js";

/** A job that would run for an hour; Spark hands out a partition when it is done, so they are many and small. */
const ENDLESS = "SELECT id, uuid() AS u FROM range(0, 1000000000, 1, 20000)";

/** A stream closes when the server has released what it held for it. */
function closed(stream: Readable): Promise<unknown> {
  return new Promise((resolve) => (stream.closed ? resolve(null) : stream.once("close", resolve)));
}

describe("sparkStream() on a real Spark", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
  });
  afterEach("nothing may be left running on the server", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
  });
  after(() => spark?.close());

  it("hands out every row once and in the order of the partitions", async () => {
    let next = 0n;
    for await (const batch of sparkStream(spark.range(0, 300_000, 1, 7))) {
      for (const id of batch.getChildAt(0)!.toArray() as BigInt64Array) {
        if (id !== next++) throw new Error(`${id} came where ${next - 1n} should`);
      }
    }
    expect(next).to.equal(300_000n);
  });

  it("gives the schema and one batch of no rows for an empty result", async () => {
    const stream = sparkStream(spark.sql("SELECT 1 AS one, 'x' AS text WHERE false"));
    expect((await stream.schema).names).to.deep.equal(["one", "text"]);
    const batches = await stream.toArray();
    expect(batches.map((batch: RecordBatch) => batch.numRows)).to.deep.equal([0]);
  });

  it("gives a result without columns as rows without columns", async () => {
    const batches: RecordBatch[] = await sparkStream(spark.range(5).select()).toArray();
    expect(batches.map(({ numCols }) => numCols)).to.satisfy((counts: number[]) =>
      counts.every((count) => count === 0),
    );
    expect(batches.reduce((rows, batch) => rows + batch.numRows, 0)).to.equal(5);
  });

  it("keeps columns apart that have the same name", async () => {
    const [batch] = await sparkStream(spark.sql("SELECT 1 AS a, 'x' AS a, 2 AS a")).toArray();
    expect(batch.schema.names).to.deep.equal(["a", "a", "a"]);
    expect([0, 1, 2].map((index) => batch.getChildAt(index).get(0))).to.deep.equal([1, "x", 2]);
  });

  it("takes batches of the size asked for, for this stream alone", async () => {
    const sizes = async (options: object) =>
      (await sparkStream(spark.range(0, 5000, 1, 1), options).toArray()).map((batch) => batch.numRows);
    const [small, usual] = await Promise.all([sizes({ maxRecordsPerBatch: 2000 }), sizes({})]);
    expect(small).to.deep.equal([2000, 2000, 1000]);
    expect(usual).to.deep.equal([5000]);
    expect(await spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")).to.equal("10000");
  });

  it("reads batches that Spark compresses with zstd, and with lz4 where the session says so", async () => {
    const sum = async (options: object) => {
      let total = 0n;
      const frame = spark.sql("SELECT id, CAST(id AS STRING) AS s, IF(id % 2 = 0, id, NULL) AS n FROM range(2000)");
      for await (const batch of sparkStream(frame, options))
        for (const row of batch) total += BigInt(row.s) + (row.n ?? 0n);
      return total;
    };
    const expected = await sum({});
    expect(await sum({ compression: "zstd" })).to.equal(expected);
    await spark.conf.set("spark.sql.execution.arrow.compression.codec", "lz4");
    expect(await sum({})).to.equal(expected);
    await spark.conf.unset("spark.sql.execution.arrow.compression.codec");
  });

  it("writes a Parquet file that pyarrow reads, value by value", async () => {
    const file = join(temporaryDirectory("pipeline"), "out.parquet");
    const frame = spark.sql("SELECT id, IF(id % 3 = 0, NULL, id * 1.5D) AS x FROM range(0, 100000, 1, 3)");
    await pipeline(sparkStream(frame), parquetWriter(file));
    const found = await runPython(
      `
import json, sys, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
ids, xs = t["id"].to_pylist(), t["x"].to_pylist()
print(json.dumps([t.num_rows, ids == list(range(100000)), xs == [None if i % 3 == 0 else i * 1.5 for i in ids]]))
`,
      [file],
    );
    expect(found).to.deep.equal([100_000, true, true]);
  });

  it("stops the job within a second when the stream is destroyed", async () => {
    const stream = sparkStream(spark.sql(ENDLESS));
    await new Promise((resolve) => stream.once("data", resolve));
    const begin = performance.now();
    stream.destroy();
    await closed(stream);
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    expect(performance.now() - begin).to.be.below(1000);
  });

  // Once, a query that was interrupted while Spark planned it ran on, unknown to its session, and kept all the slots: Spark
  // submits the first job of a plan with a shuffle after an interrupt that comes too soon.
  it("stops the job when it is destroyed before Spark has answered, so that the next query finds free slots", async () => {
    for (const wait of [0, 1, 3, 10, 30, 100]) {
      const stream = sparkStream(spark.sql("SELECT count(*) FROM range(100000000000) WHERE uuid() = 'x'"));
      await sleep(wait); // the moment is what is tried
      stream.destroy();
      await closed(stream);
      await spark.client.stopped();
      expect(await spark.interruptAll(), `after ${wait} ms`).to.deep.equal([]);
      const count = spark.range(10).repartition(2).count();
      expect(await inTime(count, `free slots after ${wait} ms`)).to.equal(10);
    }
  });

  it("stops the job at a break out of for await, an abort, and an error further down", async () => {
    const broken = sparkStream(spark.sql(ENDLESS));
    for await (const batch of broken) {
      expect(batch.numRows).to.be.above(0);
      break;
    }
    await closed(broken);
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);

    const aborted = sparkStream(spark.sql(ENDLESS), { signal: AbortSignal.timeout(300) });
    const reason = await aborted.forEach(() => {}).catch((error: Error) => error);
    expect(reason).to.have.property("name", "AbortError");
    await closed(aborted);
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);

    const sink = new Writable({
      objectMode: true,
      write: (_batch, _encoding, callback) => callback(new Error("full")),
    });
    const stream = sparkStream(spark.sql(ENDLESS));
    const error = await pipeline(stream, sink).catch((caught: Error) => caught);
    expect(error).to.have.property("message", "full");
    await closed(stream);
  });

  it("leaves no file when the pipeline is aborted, or the query fails after rows have flowed", async () => {
    const dir = temporaryDirectory("abort");
    const file = join(dir, "out.parquet");
    const aborted = await pipeline(sparkStream(spark.sql(ENDLESS)), parquetWriter(file), {
      signal: AbortSignal.timeout(1500),
    }).catch((error: Error) => error);
    expect(aborted).to.have.property("name", "AbortError");

    const failing = spark.sql("SELECT assert_true(id < 50000), id FROM range(0, 60000, 1, 6)");
    const failed = await pipeline(sparkStream(failing), parquetWriter(file)).catch((error: Error) => error);
    expect(failed).to.be.instanceOf(SparkStreamError).with.property("errorClass", "USER_RAISED_EXCEPTION");
    await until(async () => (await readdir(dir)).length === 0, "the temporary files are removed, in the background");
  });

  it("says what is wrong with a query: class, SQLSTATE, and where in the text", async () => {
    const failure = async (sql: string) => {
      const error = await sparkStream(spark.sql(sql))
        .toArray()
        .catch((caught) => caught);
      expect(error).to.be.instanceOf(SparkStreamError);
      return error as SparkStreamError;
    };
    const column = await failure("SELECT id,\n nme FROM range(1)");
    expect(column).to.include({
      code: "QUERY_FAILED",
      errorClass: "UNRESOLVED_COLUMN.WITH_SUGGESTION",
      sqlState: "42703",
    });
    expect(column.queryContext?.[0]).to.include({ type: "sql", fragment: "nme", startIndex: 12, stopIndex: 14 });
    expect(column.serverStackTrace).to.include("org.apache.spark");
    expect(await failure("SELECT * FROM no_such_table")).to.include({
      errorClass: "TABLE_OR_VIEW_NOT_FOUND",
      sqlState: "42P01",
    });
    expect(await failure("SELEC 1")).to.include({ errorClass: "PARSE_SYNTAX_ERROR", sqlState: "42601" });
    const cast = await failure("SELECT CAST('x' AS INT)");
    expect(cast).to.include({ errorClass: "CAST_INVALID_INPUT" });
    expect(cast.messageParameters).to.include({ expression: "'x'" });
  });

  it("names delivery and conf when the result is too large for the driver", async () => {
    await using small = await sparkSession({ conf: { "spark.driver.maxResultSize": "2m" }, driverMemory: "1g" });
    const error = await sparkStream(small.sql("SELECT uuid() FROM range(0, 2000000, 1, 20)"))
      .toArray()
      .catch((e) => e);
    expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "RESULT_TOO_LARGE");
    expect(error.message).to.include("spark.driver.maxResultSize");
  });

  it("runs many streams of one session at once, some of them asleep", async () => {
    const asleep = Array.from({ length: 6 }, () => sparkStream(spark.range(0, 2_000_000, 1, 2)));
    for (const stream of asleep) stream.once("readable", () => {});
    const counts = await Promise.all(
      Array.from({ length: 4 }, async () => {
        let rows = 0;
        for await (const batch of sparkStream(spark.range(0, 50_000, 1, 2))) rows += batch.numRows;
        return rows;
      }),
    );
    expect(counts).to.deep.equal([50_000, 50_000, 50_000, 50_000]);
    for (const stream of asleep) stream.destroy();
    await Promise.all(asleep.map(closed));
  });

  it("is a core Readable", () => {
    const stream = sparkStream(spark.range(1));
    expect(stream).to.be.instanceOf(Readable);
    stream.destroy();
    return closed(stream);
  });
});
