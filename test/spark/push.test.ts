import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import type { Field, RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { mapInArrow, type PythonFunction } from "../../lib/connect/python/python-function.js";
import { DataFrame } from "../../lib/connect/session/session.js";
import {
  batchInfo,
  type PushOptions,
  type SparkSession,
  type SparkStreamOptions,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import type { LocalSpark } from "../../lib/local/index.js";
import { sleeperQuery, sleepThrough } from "../faults/sleeper.js";
import { startPushProxy } from "../support/push-proxy.js";
import { killWorker, pythonWorkers } from "../support/python-workers.js";
import { checkReports } from "../support/reports.js";
import { errorOf, within } from "../support/scripted.js";
import { impatience, sparkServer, sparkSession } from "../support/spark.js";
import { ownTimeOf, still } from "../support/until.js";

const push = (options: PushOptions = {}): SparkStreamOptions => ({ delivery: "push", push: options });

/** A result of so many rows that it is more than what is on its way, in whatever order. */
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

async function idsOf(batches: AsyncIterable<RecordBatch>, each: () => Promise<unknown> = async () => {}) {
  const ids: number[] = [];
  for await (const batch of batches) {
    for (const id of batch.getChildAt(0)!.toArray() as BigInt64Array) ids.push(Number(id));
    await each();
  }
  return ids;
}

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);
const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

describe('delivery: "push" on a real Spark', function () {
  this.timeout(120_000);
  let server: LocalSpark;
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    server = await sparkServer({ master: "local[2,4]" });
    spark = await sparkSession({ master: "local[2,4]" });
  });
  afterEach("nothing may be left on the server", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
  });
  after(() => spark?.close());

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
    it(`gives a frame ${what} as "result" does: schema, rows and, if asked for, their order`, async () => {
      const pushed = sparkStream(frame(), push({ order: "partition" }));
      const result = sparkStream(frame());
      const [pushedBatches, resultBatches] = [await pushed.toArray(), await result.toArray()];
      expect((await pushed.schema).fields.map(described)).to.deep.equal((await result.schema).fields.map(described));
      const sizes = (batches: RecordBatch[]) => batches.map(({ numRows }) => numRows).filter((rows) => rows > 0);
      expect(sizes(pushedBatches)).to.deep.equal(sizes(resultBatches));
      expect(rowsOf(pushedBatches)).to.deep.equal(rowsOf(resultBatches));
    });
  }

  const refused: Record<string, [expression: string, reason: string]> = {
    "of a type that pyarrow lacks": ["INTERVAL '1-2' YEAR TO MONTH", "a type for which pyarrow has no arrays"],
    "whose fields have one name": ["array(named_struct('x', 1, 'x', 2))", 'a struct with several fields "x"'],
  };
  for (const [what, [expression, reason]] of Object.entries(refused)) {
    it(`names a column ${what}, before data flows`, async () => {
      const error = await errorOf(sparkStream(spark.sql(`SELECT 1 AS id, ${expression} AS wrong`), push()).toArray());
      expect(error).to.include({ code: "UNSUPPORTED_TYPE" });
      expect(error.message).to.include(`Column "wrong" has ${reason}`).and.include('delivery: "staged"');
    });
  }

  it("refuses a streaming frame before anything runs", async () => {
    const value = { isStreaming: true, readType: { case: "dataSource" as const, value: { format: "rate" } } };
    const frame = new DataFrame(spark, async () => ({ relType: { case: "read", value } }));
    const error = await errorOf(sparkStream(frame, push()).toArray());
    expect(error).to.include({ code: "INVALID_ARGUMENT" });
  });

  it("tells of every batch its partition and the rows before it, in whatever order they come", async () => {
    const found = new Map<number, number[]>();
    let rows = 0;
    for await (const batch of sparkStream(spark.range(0, 25_000, 1, 5), { ...push(), maxRecordsPerBatch: 2000 })) {
      const { partition, rowOffset } = batchInfo(batch)!;
      expect(rowOffset).to.equal(rows);
      rows += batch.numRows;
      found.set(partition!, [...(found.get(partition!) ?? []), ...(await idsOf(once1(batch)))]);
    }
    expect([...found.keys()].sort()).to.deep.equal([0, 1, 2, 3, 4]);
    for (const [partition, ids] of found) expect(ids).to.deep.equal(upTo(5000).map((id) => partition * 5000 + id));
  });

  it("honours maxRecordsPerBatch, maxBytesPerBatch and compression, of the stream or of the session", async () => {
    await using other = await sparkSession({ master: "local[2,4]" });
    const frame = () => many(other, 10_000, 2);
    const stream = sparkStream(frame(), { ...push(), maxRecordsPerBatch: 1000 });
    expect((await stream.toArray()).map(({ numRows }) => numRows)).to.deep.equal(Array(10).fill(1000));
    const text = sparkStream(other.sql("SELECT CAST(id AS STRING) AS text FROM range(0, 10000, 1, 1)"), push());
    expect((await text.toArray()).map(({ numRows }) => numRows)).to.deep.equal([4096, 4096, 1808]);
    expect(await other.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")).to.equal("10000");
    await other.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", "16000");
    expect((await sparkStream(frame(), push()).toArray())[0]!.numRows).to.be.below(1000);
    await other.conf.unset("spark.sql.execution.arrow.maxBytesPerBatch");
    const plain = stream.metrics.bytes;
    const compressed = sparkStream(frame(), { ...push(), compression: "zstd" });
    expect(sorted(await idsOf(compressed))).to.deep.equal(upTo(10_000));
    expect(compressed.metrics.bytes).to.be.below(plain / 5);
    await other.conf.set("spark.sql.execution.arrow.compression.codec", "zstd");
    const again = sparkStream(frame(), push());
    expect(sorted(await idsOf(again))).to.deep.equal(upTo(10_000));
    expect(again.metrics.bytes).to.equal(compressed.metrics.bytes);
  });

  it("has progress, Spark's metrics and observed ones", () => checkReports(spark, push()));

  it("fails as the query does when a task fails", async () => {
    const frame = spark.sql("SELECT id, assert_true(id < 5000) FROM range(0, 6000, 1, 6)");
    const error = await errorOf(sparkStream(frame, push()).toArray());
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: "USER_RAISED_EXCEPTION" });
  });

  it("is held up by a consumer that takes nothing, down to the tasks, and stops at once", async () => {
    await using proxy = await startPushProxy();
    const stream = sparkStream(many(spark, 2_000_000, 8), { ...push(proxy.push), readAheadBytes: 2_000_000 });
    const passed = () => proxy.connections.reduce((sum, { up }) => sum + up, 0);
    await once(stream, "readable");
    expect(await still(passed, 1000), "of 200 MB").to.be.below(60e6);
    stream.destroy();
    expect(await ownTimeOf(once(stream, "close"))).to.be.below(3000);
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    await within(3000, () => expect(proxy.connections.filter(({ open }) => open)).to.deep.equal([]));
  });

  it("loses nothing while its consumer sleeps, for much longer than the server keeps a stream", async () => {
    await using other = await sparkSession({ conf: impatience });
    const stream = sparkStream(other.sql(sleeperQuery), { delivery: "push", readAheadBytes: 2 ** 20 });
    expect(await sleepThrough(stream, 20_000)).to.deep.equal({ outcome: "exact" });
  });

  it("closes its port when it is over, read to its end or not", async () => {
    await using proxy = await startPushProxy();
    for (const read of [true, false]) {
      const stream = sparkStream(many(spark, 100_000, 2), push(proxy.push));
      if (read) await stream.toArray();
      else await once(stream, "readable");
      stream.destroy();
      if (!stream.closed) await once(stream, "close");
      await spark.client.stopped();
      expect(await isListened(proxy.target), `${read}`).to.equal(false);
    }
  });

  it("ends with its session", async () => {
    const other = await sparkSession({ master: "local[2,4]" });
    const stream = sparkStream(many(other, 1_000_000, 8), { ...push(), readAheadBytes: 1 });
    await once(stream, "readable");
    const failed = errorOf(new Promise((_, reject) => stream.once("error", reject)));
    await other.close();
    expect(await failed).to.include({ code: "SESSION_CLOSED" });
  });

  it("splits a frame over streams that are read at the same time", async () => {
    const streams = splitSparkStream(spark.range(0, 60_000, 1, 7), 3, { delivery: "push" });
    const partitions = streams.map(() => new Set<number>());
    const read = async (stream: AsyncIterable<RecordBatch>, index: number) => {
      const ids: number[] = [];
      for await (const batch of stream) {
        partitions[index]!.add(batchInfo(batch)!.partition!);
        ids.push(...(await idsOf(once1(batch))));
      }
      return ids;
    };
    const parts = await Promise.all(streams.map(read));
    expect(sorted(parts.flat())).to.deep.equal(upTo(60_000));
    expect(partitions.map((ids) => sorted([...ids]))).to.deep.equal([
      [0, 3, 6],
      [1, 4],
      [2, 5],
    ]);
  });

  it("gives the others all of theirs where one of the split streams is destroyed", async () => {
    const [first, second] = splitSparkStream(many(spark, 400_000, 4), 2, { delivery: "push", readAheadBytes: 100_000 });
    first!.destroy();
    expect(await idsOf(second!)).to.have.length(200_000);
  });

  describe("with one slot", () => {
    const master = "local[1,4]";
    let one: SparkSession;
    before(async () => {
      one = await sparkSession({ master });
    });
    after(() => one?.close());

    it("comes to its end though the split streams are read one after the other", async () => {
      const options = { delivery: "push", readAheadBytes: 200_000 } as const;
      const streams = splitSparkStream(many(one, 200_000, 6), 2, options);
      const parts = [];
      for (const stream of streams) parts.push(await idsOf(stream));
      expect(sorted(parts.flat())).to.deep.equal(upTo(200_000));
    });

    for (const order of ["arrival", "partition"] as const) {
      it(`comes to its end, in the order of ${order}, though tasks are cut off and retried`, async () => {
        await using proxy = await startPushProxy((connection) =>
          [1, 3, 5].includes(connection) ? { after: 700_000, ...cut } : undefined,
        );
        const ids = await idsOf(sparkStream(many(one, 100_000, 4), push({ ...proxy.push, order })));
        expect(order === "partition" ? ids : sorted(ids)).to.deep.equal(upTo(100_000));
        // A probe, four partitions, and three attempts more: Spark puts a task that failed behind others, which hold the slot.
        expect(proxy.connections).to.have.length(8);
      });
    }
  });

  describe("where tasks fail and are tried again", () => {
    it("gives every row once though Python workers are killed in the middle of a partition", async () => {
      let batches = 0;
      let killed = 0;
      const stream = sparkStream(many(spark, 400_000, 4), { ...push(), readAheadBytes: 500_000 });
      const ids = await idsOf(stream, async () => {
        if (++batches !== 5 && batches !== 15) return;
        const workers = pythonWorkers(server.pid);
        for (const pid of workers) killWorker(pid);
        killed += workers.length;
      });
      expect(killed).to.be.at.least(2);
      expect(sorted(ids)).to.deep.equal(upTo(400_000));
      expect(ids).to.have.length(400_000);
    });

    it("gives every row once though data connections are cut, in the order of partitions too", async () => {
      await using proxy = await startPushProxy((connection) =>
        connection % 3 === 1 ? { after: 2_345_678, ...cut } : undefined,
      );
      const ids = await idsOf(sparkStream(many(spark, 400_000, 4), push({ ...proxy.push, order: "partition" })));
      expect(ids).to.deep.equal(upTo(400_000));
    });

    it("says that a partition came out otherwise, and what to do about it", async () => {
      await using proxy = await startPushProxy((connection) =>
        connection === 1 ? { after: 300_000, ...cut } : undefined,
      );
      const error = await errorOf(
        sparkStream(withAttempts(spark), { ...push(proxy.push), readAheadBytes: 1 }).toArray(),
      );
      expect(error).to.include({ code: "NOT_DETERMINISTIC" });
      expect(error.message).to.include("push: { spool: true }");
    });

    it("gives such a partition whole, by one attempt, where it is held back until then", async () => {
      await using proxy = await startPushProxy((connection) =>
        connection === 1 ? { after: 300_000, ...cut } : undefined,
      );
      const options = { ...push({ ...proxy.push, spool: true }), readAheadBytes: 1 };
      const attempts = new Map<number, Set<number>>();
      let rows = 0;
      for await (const batch of sparkStream(withAttempts(spark), options)) {
        rows += batch.numRows;
        const { partition } = batchInfo(batch)!;
        const of = attempts.get(partition!) ?? new Set();
        attempts.set(partition!, of);
        for (const attempt of batch.getChild("attempt")!.toArray() as Int32Array) of.add(attempt);
      }
      expect(rows).to.equal(100_000);
      expect([...attempts.values()].map((of) => [...of]).sort()).to.deep.equal([[0], [1]]);
    });

    it("says so where Spark does not try again", async () => {
      await using other = await sparkSession();
      await using proxy = await startPushProxy((connection) =>
        connection === 2 ? { after: 3_000_000, ...cut } : undefined,
      );
      const error = await errorOf(sparkStream(many(other, 400_000, 4), push(proxy.push)).toArray());
      expect(error).to.include({ code: "UNREACHABLE" });
      expect(error.message).to.match(/the connection of partition \d, attempt 0, was cut/);
    });
  });
});

const cut = { direction: "up", do: "reset" } as const;

/** 100,000 rows in two partitions, which know the attempt that made them: others each time. */
function withAttempts(spark: SparkSession): DataFrame {
  const attempts: PythonFunction = {
    name: "attempts",
    expression: `lambda batches, pa=__import__("pyarrow"), context=__import__("pyspark").TaskContext: (
      pa.RecordBatch.from_arrays([batch.column(0), pa.array([context.get().attemptNumber()] * batch.num_rows, pa.int32())],
        ["id", "attempt"]) for batch in batches)`,
    output: { id: "long", attempt: "integer" },
  };
  return mapInArrow(spark.range(0, 100_000, 1, 2), attempts, { name: "this test", instead: "nothing" });
}

async function* once1(batch: RecordBatch): AsyncGenerator<RecordBatch> {
  yield batch;
}

async function isListened(port: number): Promise<boolean> {
  const socket = connectTcp(port, "127.0.0.1");
  const answer = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answer;
}
