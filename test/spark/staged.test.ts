import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Field, RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { DataFrame } from "../../lib/connect/session/session.js";
import { packingOf } from "../../lib/delivery/staged/packed-rows.js";
import {
  batchInfo,
  type LargePartition,
  type SparkSession,
  SparkStreamError,
  type SparkStreamOptions,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";
import { SparkUi } from "../support/spark-ui.js";
import { still, until } from "../support/until.js";

const STAGED = { delivery: "staged" } as const;

/** Two partitions of a window each, then some that share one. */
const SMALL_WINDOW = 200_000;

async function rowsOf(frame: DataFrame, options: SparkStreamOptions): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of sparkStream(frame, options)) for (const row of batch) rows.push(`${row}`);
  return rows;
}

/** All that there is to a field. */
async function rowCount(stream: AsyncIterable<RecordBatch>): Promise<number> {
  let rows = 0;
  for await (const batch of stream) rows += batch.numRows;
  return rows;
}

function described({ name, type, nullable, metadata }: Field): unknown {
  return { name, type: `${type}`, nullable, metadata: [...metadata], children: type.children?.map(described) ?? [] };
}

describe('delivery: "staged" on a real Spark', function () {
  this.timeout(180_000);
  let spark: SparkSession;
  let ui: SparkUi;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open();
    spark = await ui.connect();
  });
  afterEach("nothing may be left on the server", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    await ui.expectNothingStaged();
  });
  after(() => spark?.close());

  const frames: Record<string, () => DataFrame> = {
    "of many types": () =>
      spark.sql(`SELECT id, IF(id % 3 = 0, NULL, CAST(id AS STRING)) AS text, array(id, NULL) AS list,
        map('k', named_struct('x', id, 'y', CAST('é' AS BINARY))) AS map, id * 1.5BD AS amount, parse_json('{"a":1}') AS v,
        make_interval(0, 1) AS gap, DATE'2024-01-01' AS day FROM range(0, 3000, 1, 5)`),
    "that is sorted": () => spark.range(0, 20_000, 1, 4).select("id", "id % 10 AS k").orderBy("k DESC", "id"),
    "that is limited": () => spark.range(0, 1000, 1, 1).limit(100).offset(10),
    "of a shuffle": () => spark.range(0, 20_000, 1, 4).groupBy("id % 1000 AS k").agg("sum(id) AS s").orderBy("k"),
    "whose columns have one name": () => spark.sql("SELECT id AS a, 'x' AS a, 2 AS A FROM range(0, 10, 1, 3)"),
    "without rows": () => spark.range(0, 10, 1, 3).where("id < 0"),
    "with partitions without rows": () => spark.range(0, 1000, 1, 10).where("id > 250 AND id < 720"),
  };
  for (const [what, frame] of Object.entries(frames)) {
    it(`gives a frame ${what} as "result" does: schema, rows and their order`, async () => {
      const staged = sparkStream(frame(), { ...STAGED, staged: { windowBytes: SMALL_WINDOW } });
      const result = sparkStream(frame());
      const [stagedBatches, resultBatches] = [await staged.toArray(), await result.toArray()];
      const [stagedSchema, resultSchema] = [await staged.schema, await result.schema];
      expect(stagedSchema.fields.map(described)).to.deep.equal(resultSchema.fields.map(described));
      const rows = (batches: RecordBatch[]) =>
        batches.flatMap((batch) =>
          Array.from({ length: batch.numRows }, (_, row) =>
            batch.schema.fields.map((_field, column) => `${batch.getChildAt(column)!.get(row)}`).join(),
          ),
        );
      expect(rows(stagedBatches)).to.deep.equal(rows(resultBatches));
    });
  }

  it("gives a frame without columns as rows without columns", async () => {
    const batches: RecordBatch[] = await sparkStream(spark.range(0, 10, 1, 3).select(), STAGED).toArray();
    expect(batches.map(({ numCols, numRows }) => [numCols, numRows])).to.deep.equal([
      [0, 3],
      [0, 3],
      [0, 4],
    ]);
  });

  it("tells of every batch its partition and the rows before it", async () => {
    const frame = spark.range(0, 25_000, 1, 5).where("id < 5000 OR id >= 10000");
    const stream = sparkStream(frame, { ...STAGED, staged: { windowBytes: 100_000 }, maxRecordsPerBatch: 3000 });
    const found: unknown[] = [];
    for await (const batch of stream) {
      found.push([batchInfo(batch), batch.numRows, batch.getChildAt(0)!.get(0)]);
    }
    const rows = (partition: number, rowOffset: number) => [
      [{ partition, rowOffset }, 3000, BigInt(partition * 5000)],
      [{ partition, rowOffset: rowOffset + 3000 }, 2000, BigInt(partition * 5000 + 3000)],
    ];
    expect(found).to.deep.equal([...rows(0, 0), ...rows(2, 5000), ...rows(3, 10_000), ...rows(4, 15_000)]);
  });

  it("takes partitions in windows of bytes, and never more than one window ahead of the consumer", async () => {
    const frame = spark.sql("SELECT id, repeat('x', 92) AS text FROM range(0, 8000, 1, 8)"); // 100 KB a partition
    const before = await ui.queries();
    const stream = sparkStream(frame, { ...STAGED, staged: { windowBytes: 250_000 }, readAheadBytes: 1 });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const windows = async () => (await ui.queries()) - before - 3; // checkpoint, count and seal come first
    expect(await still(windows, 1000), "two windows of two partitions").to.be.at.most(2);
    while (!(await iterator.next()).done);
    expect(await windows(), "four windows of two partitions").to.equal(4);
  });

  it("stages narrow rows as batches, and wide and nested ones as they are", async () => {
    const isPacked = async (...columns: string[]) => {
      const frame = spark.range(0, 10, 1, 2).select("id", ...columns);
      return (await packingOf(frame, { maxRecordsPerBatch: undefined })) !== undefined;
    };
    expect(await isPacked("id * 0.5D AS x", "CAST(id AS STRING) AS text")).to.equal(true);
    expect(await isPacked(...Array.from({ length: 10 }, (_, index) => `id + ${index} AS c${index}`))).to.equal(false);
    expect(await isPacked("array(id) AS ids")).to.equal(false);
    expect(await isPacked("CAST(x'01' AS BINARY) AS bytes")).to.equal(false);
  });

  it("copies sections off a frame of many windows, and gives it whole and in order", async () => {
    const staged = { windowBytes: 20_000, collectGarbage: true }; // ten windows
    const stream = sparkStream(spark.range(0, 20_000, 1, 20), { ...STAGED, staged });
    const iterator = stream[Symbol.asyncIterator]();
    const ids: number[] = [];
    let mostStaged = 0;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      ids.push(...Array.from(next.value.getChildAt(0)!.toArray() as BigInt64Array, Number));
      mostStaged = Math.max(mostStaged, (await ui.staged()).length);
    }
    expect(ids).to.deep.equal(Array.from({ length: 20_000 }, (_, id) => id));
    expect(mostStaged, "the frame and two of its sections").to.be.within(2, 3);
  });

  it("is one snapshot of a frame that is another each time it is computed", async () => {
    const frame = spark.sql("SELECT id, rand() AS r, uuid() AS u FROM range(0, 4000, 1, 8)").repartition(8);
    // Twice in one plan would be equal anyway; here each row comes once, and ids would repeat or lack if it was redone.
    const rows = await rowsOf(frame, { ...STAGED, staged: { windowBytes: 10_000 } });
    const ids = rows.map((row) => Number(/"id": (\d+)/.exec(row)![1])).sort((a, b) => a - b);
    expect(ids).to.deep.equal(Array.from({ length: 4000 }, (_, id) => id));
  });

  it("is one snapshot of a table that is overwritten meanwhile", async () => {
    await spark
      .sql("SELECT id, 'old' AS version FROM range(0, 40000, 1, 8)")
      .write.mode("overwrite")
      .saveAsTable("moving");
    const stream = sparkStream(spark.table("moving"), {
      ...STAGED,
      staged: { windowBytes: 200_000 },
      readAheadBytes: 1,
    });
    const versions = new Map<string, number>();
    let overwritten = false;
    for await (const batch of stream) {
      if (!overwritten) {
        const update = spark.sql("SELECT id, 'new' AS version FROM range(0, 500, 1, 2)");
        await update.write.mode("overwrite").saveAsTable("moving");
        overwritten = true;
      }
      for (const { version } of batch) versions.set(version, (versions.get(version) ?? 0) + 1);
    }
    expect(Object.fromEntries(versions)).to.deep.equal({ old: 40_000 });
    await spark.sql("DROP TABLE moving").execute();
  });

  it("has Spark forget how the rows were made before the first of them comes", async () => {
    await sparkStream(spark.range(0, 1000, 1, 4).repartition(3), STAGED).toArray();
    // A job that could still go back to the shuffle lists its stages as skipped.
    expect(await ui.lastJob()).to.include({ numSkippedStages: 0, status: "SUCCEEDED" });
  });

  it("tells of a partition that is larger than a window, and gives it all the same", async () => {
    const told: LargePartition[] = [];
    const stream = sparkStream(spark.range(0, 30_000, 1, 3), { ...STAGED, staged: { windowBytes: 50_000 } });
    stream.on("largePartition", (partition) => told.push(partition));
    let rows = 0;
    for await (const batch of stream) rows += batch.numRows;
    expect(rows).to.equal(30_000);
    expect(told.map(({ partition }) => partition)).to.deep.equal([0, 1, 2]);
    expect(told[0]).to.include({ rows: 10_000, windowBytes: 50_000 });
    expect(told[0]!.bytes).to.be.within(80_000, 100_000);
  });

  it("counts the bytes of nested columns too", async () => {
    const told: LargePartition[] = [];
    const frame = spark.sql(`SELECT array(repeat('x', 1000), NULL, repeat('y', 1000)) AS list,
      map(1, array(named_struct('a', repeat('z', 1000)))) AS map, CAST(NULL AS ARRAY<STRING>) AS none FROM range(0, 100, 1, 1)`);
    const stream = sparkStream(frame, { ...STAGED, staged: { windowBytes: 1 } });
    stream.on("largePartition", (partition) => told.push(partition));
    await stream.toArray();
    expect(told[0]!.bytes).to.be.within(300_000, 310_000);
  });

  it("gives the partitions that are chosen, in order, and refuses ids that there are not", async () => {
    const frame = spark.range(0, 10_000, 1, 5).where("id < 2000 OR id >= 4000");
    const ids = async (partitions: number[]) => {
      const found = new Set<number>();
      for await (const batch of sparkStream(frame, { ...STAGED, staged: { partitions } })) {
        if (batch.numRows > 0) found.add(batchInfo(batch)!.partition!);
        for (const { id } of batch) if (!partitions.includes((Number(id) / 2000) | 0)) throw new Error(`${id}`);
      }
      return [...found];
    };
    expect(await ids([3, 0])).to.deep.equal([0, 3]);
    expect(await ids([1]), "no rows").to.deep.equal([]);
    const error = await errorOf(sparkStream(frame, { ...STAGED, staged: { partitions: [0, 5, 7] } }).toArray());
    expect(error).to.include({ code: "INVALID_ARGUMENT" });
    expect(error.message).to.equal("There is no partition 5, 7: the last partition with rows is 4.");
  });

  it("splits a frame over streams that are read at the same time", async () => {
    const streams = splitSparkStream(spark.range(0, 60_000, 1, 7), 3, { staged: { windowBytes: 100_000 } });
    const read = async (stream: AsyncIterable<RecordBatch>) => {
      const ids: number[] = [];
      for await (const batch of stream)
        ids.push(...Array.from(batch.getChildAt(0)!.toArray() as BigInt64Array, Number));
      return ids;
    };
    const parts = await Promise.all(streams.map(read));
    expect(parts.map(({ length }) => length).every((length) => length > 10_000)).to.equal(true);
    expect(parts.flat()).to.deep.equal(Array.from({ length: 60_000 }, (_, id) => id));
  });

  it("keeps what was staged until the last of the split streams is over", async () => {
    // With so little read ahead that no stream has all of its rows before it is asked for them.
    const options = { readAheadBytes: 1, maxRecordsPerBatch: 500 };
    const [first, second, third] = splitSparkStream(spark.range(0, 9000, 1, 3), 3, options);
    first!.destroy();
    await once(first!, "close");
    expect(await rowCount(second!)).to.equal(3000);
    expect(await ui.staged()).not.to.deep.equal([]);
    expect(await rowCount(third!)).to.equal(3000);
  });

  it("has the driver free the disks at the end if it is asked to collect garbage", async () => {
    await sparkStream(spark.range(0, 9000, 1, 3), { ...STAGED, staged: { collectGarbage: true } }).toArray();
    await spark.client.stopped();
    await until(async () => (await ui.staged()).length === 0, "nothing is staged");
  });

  it("removes what was staged when the stream is destroyed, whatever it is doing", async () => {
    for (const wait of [0, 200, 1500]) {
      const frame = spark.sql("SELECT id, uuid() AS u FROM range(0, 400000, 1, 8)").repartition(8);
      const stream = sparkStream(frame, { ...STAGED, staged: { windowBytes: 1_000_000 } });
      stream.resume();
      await sleep(wait); // the moment is what is tried
      stream.destroy();
      await new Promise((resolve) => (stream.closed ? resolve(null) : stream.once("close", resolve)));
      await spark.client.stopped();
      await ui.expectNothingStaged();
    }
  });

  it("removes what was staged when the target fails", async () => {
    const stream = sparkStream(spark.range(0, 50_000, 1, 4), STAGED);
    const failing = async (batches: AsyncIterable<RecordBatch>) => {
      for await (const _ of batches) throw new Error("full");
    };
    const error = await pipeline(stream, failing).catch((caught: Error) => caught);
    expect(error).to.have.property("message", "full");
    await new Promise((resolve) => (stream.closed ? resolve(null) : stream.once("close", resolve)));
  });

  it("fails as the query does when a task fails while staging", async () => {
    const frame = spark.sql("SELECT assert_true(id < 5000), id FROM range(0, 6000, 1, 6)");
    const error = await errorOf(sparkStream(frame, STAGED).toArray());
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: "USER_RAISED_EXCEPTION" });
  });

  it("removes what was staged when the session is closed under a stream", async () => {
    const other = await ui.connect();
    const stream = sparkStream(other.range(0, 400_000, 1, 8), { ...STAGED, staged: { windowBytes: 400_000 } });
    await new Promise((resolve) => stream.once("readable", resolve));
    const failed = errorOf(new Promise((_, reject) => stream.once("error", reject)));
    await other.close();
    expect(await failed).to.include({ code: "SESSION_CLOSED" });
  });

  it("leaves nothing behind where the process dies: the server drops it with the session", async () => {
    const impatient = await SparkUi.open({
      "spark.connect.session.manager.defaultSessionTimeout": "4s",
      "spark.connect.session.manager.maintenanceInterval": "1s",
    });
    const dying = await impatient.connect();
    const stream = sparkStream(dying.range(0, 1000, 1, 2), STAGED);
    const alive = setInterval(() => void dying.version(), 500); // only calls count as a sign of life
    await new Promise((resolve) => stream.once("readable", resolve));
    clearInterval(alive);
    stream.on("error", () => {});
    await dying.abandon();
    expect(await impatient.staged()).to.have.length(1);
    // Spark's driver collects garbage in its own time; this test does not wait for that.
    await using other = await impatient.connect();
    await until(async () => {
      await sparkStream(other.range(1), { ...STAGED, staged: { collectGarbage: true } }).toArray();
      return (await impatient.staged()).length === 0;
    }, "nothing is staged");
  });

  it("refuses a streaming frame before anything runs", async () => {
    const value = { isStreaming: true, readType: { case: "dataSource" as const, value: { format: "rate" } } };
    const frame = new DataFrame(spark, async () => ({ relType: { case: "read", value } }));
    const error = await errorOf(sparkStream(frame, STAGED).toArray());
    expect(error).to.include({ code: "INVALID_ARGUMENT" });
    expect(error.message).to.include("streaming DataFrame");
  });

  it("goes where a result is too large for the driver, and the error of that names it", async () => {
    await using small = await sparkSession({ conf: { "spark.driver.maxResultSize": "2m" }, driverMemory: "1g" });
    const frame = small.sql("SELECT id, uuid() AS u FROM range(0, 100000, 1, 10)");
    const error = await errorOf(sparkStream(frame).toArray());
    expect(error).to.include({ code: "RESULT_TOO_LARGE" });
    expect(error.message).to.include('delivery: "staged"');
    let rows = 0;
    for await (const batch of sparkStream(frame, { ...STAGED, staged: { windowBytes: 1_000_000 } }))
      rows += batch.numRows;
    expect(rows).to.equal(100_000);
    const inOne = await errorOf(sparkStream(frame, { ...STAGED, staged: { windowBytes: 2 ** 30 } }).toArray());
    expect(inOne).to.be.instanceOf(SparkStreamError).and.include({ code: "RESULT_TOO_LARGE" });
    expect(inOne.message).to.include("windowBytes");
  });
});
