/** What is tried on each server. A check throws if something is wrong, and may return a note for the table. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Field, Int64, Schema, tableFromArrays, Utf8 } from "apache-arrow";
import { expect } from "chai";
import {
  connect,
  type DataFrame,
  ipcRows,
  rows,
  type SparkSession,
  type SparkStream,
  SparkStreamError,
  type SparkStreamOptions,
  sparkStream,
  sparkWriter,
  splitSparkStream,
} from "../../lib/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { failureOf } from "../support/ipc.js";
import { canonical, pysparkRows } from "./pyspark-rows.js";
import type { RunningServer } from "./spark-servers.js";

/** Batches of 10,000 rows: ids that count up. */
async function* numbers(batches: number) {
  for (let batch = 0; batch < batches; batch++) {
    yield* tableFromArrays({ id: Int32Array.from({ length: 10_000 }, (_, row) => batch * 10_000 + row) }).batches;
  }
}

const sumsOf = async (frame: DataFrame) => await frame.groupBy().agg("count(*) AS rows", "sum(id) AS sum").first();
const sumsTo = (rows: number) => ({ rows: BigInt(rows), sum: (BigInt(rows) * BigInt(rows - 1)) / 2n });

export interface Subject {
  readonly server: RunningServer;
  readonly spark: SparkSession;
}

export interface Check {
  /** The line of the table. */
  readonly title: string;
  /** Of the share that CI runs on every server. */
  readonly inCi?: boolean;
  run(subject: Subject): Promise<string | undefined>;
}

const tokenOf = ({ token }: RunningServer) => (token === undefined ? {} : { token });

const idsOf = async (stream: SparkStream): Promise<number[]> => {
  const ids: number[] = [];
  for await (const batch of stream) for (const id of batch.getChild("id")!) ids.push(Number(id));
  return ids;
};

const valuesOf = async (spark: SparkSession, query: string, args?: Parameters<SparkSession["sql"]>[1]) =>
  await sparkStream(spark.sql(query, args)).compose(rows()).toArray();

const isCount = (ids: readonly number[]) => ids.every((id, index) => id === index);

/** 200,000 rows of four partitions; each is checked to arrive once. */
function delivers(options: SparkStreamOptions): Check["run"] {
  return async ({ spark }) => {
    const count = 200_000;
    const ids = await idsOf(sparkStream(spark.range(0, count, 1, 4), options));
    const inOrder = isCount(ids);
    expect(ids).to.have.length(count);
    expect(isCount(ids.sort((a, b) => a - b)), "each row once").to.equal(true);
    return inOrder || options.delivery === "push" ? undefined : "partitions in any order";
  };
}

/** Would run for hours before its first row. */
const SILENT = "SELECT count(*) AS c FROM range(1000000000000) WHERE uuid() = 'x'";

/** One row with each type. */
export const EVERY_TYPE = `SELECT CAST(NULL AS INT) AS nothing, true AS flag, CAST(-128 AS TINYINT) AS byte, CAST(32767 AS SMALLINT) AS short,
  CAST(-2147483648 AS INT) AS int, CAST(9223372036854775807 AS BIGINT) AS long, CAST('NaN' AS FLOAT) AS float,
  CAST(0.1 AS DOUBLE) AS double, CAST('12345678901234567890.123456789012345678' AS DECIMAL(38, 18)) AS decimal,
  'grüße 😀' AS text, X'00FF' AS bytes, DATE'2024-02-29' AS day, TIMESTAMP'2024-02-29 12:34:56.123456' AS moment,
  TIMESTAMP_NTZ'1999-12-31 23:59:59.999999' AS local_moment, array(1, NULL, 3) AS list,
  named_struct('a', 1, 'b', array('x')) AS struct, map('k', 1.5D) AS map,
  array(named_struct('deep', map('m', array(DATE'1969-12-31')))) AS nested`;

const cut =
  (bytes: number): Check["run"] =>
  async ({ server }) => {
    const proxy = await startFaultProxy({ port: Number(new URL(server.url).port) }, (connection) =>
      connection % 2 === 1 ? { after: bytes, do: "reset" } : undefined,
    );
    const spark = await connect(`sc://127.0.0.1:${proxy.port}`, tokenOf(server));
    try {
      const ids = await idsOf(sparkStream(spark.range(0, 1_000_000, 1, 4)));
      expect(ids).to.have.length(1_000_000);
      expect(isCount(ids.sort((a, b) => a - b)), "each row once").to.equal(true);
      const resets = proxy.connections.filter(({ down }) => down >= bytes).length;
      expect(resets, "connections that were cut").to.be.above(0);
      return resets === 1 ? "1 cut" : `${resets} cuts`;
    } finally {
      await spark.close();
      await proxy.close();
    }
  };

export const matrix: readonly Check[] = [
  { title: "delivery result", inCi: true, run: delivers({}) },
  { title: "delivery staged", inCi: true, run: delivers({ delivery: "staged" }) },
  {
    title: "staged: { path }",
    inCi: true,
    async run(subject) {
      const path = await mkdtemp(join(tmpdir(), "spark-arrow-stream-servers-"));
      try {
        const note = await delivers({ delivery: "staged", staged: { path } })(subject);
        await subject.spark.client.stopped();
        const left = (await readdir(path, { recursive: true })).filter((name) => name.endsWith(".parquet"));
        expect(left, "files that are left").to.deep.equal([]);
        return note ?? ((await readdir(path)).length > 0 ? "an empty directory stays" : undefined);
      } finally {
        await rm(path, { recursive: true, force: true });
      }
    },
  },
  { title: "staged: { table }", run: delivers({ delivery: "staged", staged: { table: "staged" } }) },
  { title: "delivery push", inCi: true, run: delivers({ delivery: "push" }) },
  {
    title: "splitSparkStream",
    async run({ spark }) {
      const streams = splitSparkStream(spark.range(0, 100_000, 1, 4), 2);
      const parts = await Promise.all(streams.map(idsOf));
      expect(parts.flat().sort((a, b) => a - b)).to.have.length(100_000);
      return undefined;
    },
  },
  {
    title: "capabilities()",
    inCi: true,
    async run({ spark }) {
      const { version, ...found } = await spark.capabilities();
      expect(version).to.equal(await spark.version());
      const works = (run: Promise<unknown>) =>
        run.then(
          () => true,
          (error: SparkStreamError) => {
            expect(error.code).to.equal("UNSUPPORTED");
            return false;
          },
        );
      const stream = (options: SparkStreamOptions) => sparkStream(spark.range(3), options).toArray();
      expect(found.staged, "staged").to.equal(await works(stream({ delivery: "staged" })));
      expect(found.pythonFunctions, "Python functions").to.equal(await works(stream({ delivery: "push" })));
      expect(found.compression, "compression").to.equal(await works(stream({ compression: "zstd" })));
      const observed = sparkStream(spark.range(3).observe("o", "count(1) AS n"));
      expect(found.observe, "observe").to.equal(await works(observed.toArray()));
      const lacking = Object.entries(found).flatMap(([name, has]) => (has ? [] : [name]));
      return lacking.length > 0 ? `not ${lacking.join(", ")}` : undefined;
    },
  },
  {
    title: "ipcRows",
    async run({ spark }) {
      const made = await sparkStream(ipcRows(spark.range(0, 10_000, 1, 2)))
        .compose(rows())
        .toArray();
      expect(await idsOf(sparkStream(made))).to.have.length(10_000);
      return undefined;
    },
  },
  {
    title: "every type, as that server's PySpark reads it",
    inCi: true,
    async run({ spark, server }) {
      const [ours] = await valuesOf(spark, EVERY_TYPE);
      const [theirs] = await pysparkRows(server, EVERY_TYPE);
      expect(canonical(ours)).to.deep.equal(theirs);
      return undefined;
    },
  },
  {
    title: "an empty result",
    inCi: true,
    async run({ spark }) {
      const without: string[] = [];
      for (const delivery of ["result", "staged", "push"] as const) {
        try {
          const frame = spark.sql("SELECT id, CAST(id AS STRING) AS s FROM range(0)");
          const batches = await sparkStream(frame, { delivery }).toArray();
          expect(batches.map(({ numRows }) => numRows)).to.deep.equal([0]);
          expect(batches[0].schema.fields.map(({ name }: Field) => name)).to.deep.equal(["id", "s"]);
        } catch (error) {
          if (!(error instanceof SparkStreamError && error.code === "UNSUPPORTED")) throw error;
          without.push(delivery);
        }
      }
      return without.length > 0 ? `but for ${without.join(" and ")}` : undefined;
    },
  },
  {
    title: "parameters by name",
    inCi: true,
    async run({ spark }) {
      const found = await valuesOf(spark, "SELECT :a + 1 AS x, :b AS y", { a: 41, b: "O'Hara" });
      expect(found).to.deep.equal([{ x: 42, y: "O'Hara" }]);
      return undefined;
    },
  },
  {
    title: "parameters by position",
    inCi: true,
    async run({ spark }) {
      expect(await valuesOf(spark, "SELECT ? + 1 AS x, ? AS y", [41, "b"])).to.deep.equal([{ x: 42, y: "b" }]);
      return undefined;
    },
  },
  {
    title: "commands",
    inCi: true,
    async run({ spark }) {
      await spark.sql("CREATE OR REPLACE TEMPORARY VIEW five AS SELECT id FROM range(5)").execute();
      expect(await spark.table("five").count()).to.equal(5);
      await spark.sql("DROP VIEW five").execute();
      return undefined;
    },
  },
  {
    title: "commands with parameters",
    async run({ spark }) {
      const found = await valuesOf(
        spark,
        "WITH t AS (SELECT id FROM range(10)) SELECT count(*) AS c FROM t WHERE id < :n",
        { n: 7 },
      );
      expect(found).to.deep.equal([{ c: 7n }]);
      return undefined;
    },
  },
  {
    title: "WITH queries",
    inCi: true,
    async run({ spark }) {
      const found = await valuesOf(spark, "WITH t AS (SELECT id FROM range(3)) SELECT sum(id) AS s FROM t");
      expect(found).to.deep.equal([{ s: 3n }]);
      return undefined;
    },
  },
  {
    title: "errors with class and SQLSTATE",
    inCi: true,
    async run({ spark }) {
      const error = (await failureOf(valuesOf(spark, "SELECT * FROM no_such_table"))) as SparkStreamError;
      expect(error.code).to.equal("QUERY_FAILED");
      expect(error.errorClass).to.match(/^TABLE_OR_VIEW_NOT_FOUND/);
      if (error.sqlState === undefined) return "no SQLSTATE";
      expect(error.sqlState).to.equal("42P01");
      return undefined;
    },
  },
  {
    title: "interruptTag",
    inCi: true,
    async run({ spark }) {
      const reading = failureOf(sparkStream(spark.sql(SILENT), { tags: ["nightly"] }).toArray());
      // An interrupt that comes before the job runs can leave it behind: Spark submits it all the same.
      await sleep(1_500);
      let ids: string[] = [];
      for (let tries = 0; tries < 100 && ids.length === 0; tries++) {
        ids = await spark.interruptTag("nightly");
        if (ids.length === 0) await sleep(50);
      }
      expect(ids).to.have.length(1);
      const { code } = (await reading) as SparkStreamError;
      expect(code).to.be.oneOf(["OPERATION_CANCELED", "OPERATION_LOST"]);
      return code === "OPERATION_LOST" ? "as OPERATION_LOST" : undefined;
    },
  },
  {
    title: "an abort frees the slots",
    inCi: true,
    async run({ spark }) {
      await spark.range(10).count();
      const abort = new AbortController();
      const stream = sparkStream(spark.sql(SILENT), { signal: abort.signal });
      const failed = failureOf(stream.toArray());
      await sleep(3_000); // the job has to run: not each of the servers reports when it does
      const start = performance.now();
      abort.abort();
      expect(await failed).to.have.property("name", "AbortError");
      await spark.client.stopped();
      const stopped = performance.now() - start;
      await spark.sql("SELECT count(*) AS c FROM range(0, 1000, 1, 2)").count();
      return `${(stopped / 1000).toFixed(1)} s`;
    },
  },
  { title: "connections cut in the middle of a result", inCi: true, run: cut(1_500_000) },
  {
    title: "a consumer that sleeps for longer than the server waits",
    async run({ spark }) {
      const stream = sparkStream(spark.range(0, 4_000_000, 1, 8), { readAheadBytes: 1_000_000 });
      let count = 0;
      for await (const batch of stream) {
        if (count === 0) await sleep(9_000); // longer than a detached query is kept
        count += batch.numRows;
      }
      expect(count).to.equal(4_000_000);
      return undefined;
    },
  },
  {
    title: "maxRecordsPerBatch",
    inCi: true,
    async run({ spark }) {
      const batches = await sparkStream(spark.range(0, 5_000, 1, 1), { maxRecordsPerBatch: 777 }).toArray();
      const largest = Math.max(...batches.map(({ numRows }) => numRows));
      expect(largest, "rows of the largest batch").to.be.at.most(777);
      expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).to.equal(5_000);
      return undefined;
    },
  },
  {
    title: 'compression: "zstd"',
    inCi: true,
    async run({ spark }) {
      const query = "SELECT id, repeat('abc', 100) AS s FROM range(0, 50000, 1, 1)";
      const plain = sparkStream(spark.sql(query));
      await plain.resume();
      await once(plain, "close");
      const stream = sparkStream(spark.sql(query), { compression: "zstd" });
      stream.resume();
      await once(stream, "close");
      expect(stream.metrics.bytes).to.be.below(plain.metrics.bytes / 5);
      return `${(plain.metrics.bytes / stream.metrics.bytes).toFixed(0)} times smaller`;
    },
  },
  {
    title: "progress events",
    async run({ spark }) {
      const stream = sparkStream(spark.sql("SELECT id, uuid() AS u FROM range(0, 4000000, 1, 8)"));
      let events = 0;
      stream.on("progress", () => events++);
      stream.resume();
      await once(stream, "close");
      if (events === 0) throw new SparkStreamError("UNSUPPORTED", "no progress messages");
      return `${events} events`;
    },
  },
  {
    title: "metrics of operators",
    async run({ spark }) {
      const stream = sparkStream(spark.sql("SELECT id FROM range(1000) WHERE id % 2 = 0"));
      await stream.toArray();
      if (stream.metrics.operators.length === 0) throw new SparkStreamError("UNSUPPORTED", "no metrics");
      return undefined;
    },
  },
  {
    title: "observe",
    inCi: true,
    async run({ spark }) {
      const stream = sparkStream(spark.range(10).observe("check", "count(*) AS n", "max(id) AS most"));
      await stream.toArray();
      const observed = stream.metrics.observed.check;
      expect(Object.values(observed ?? {})).to.deep.equal([10n, 9n]);
      return Object.keys(observed!).join() === "n,most" ? undefined : `names ${Object.keys(observed!).join(", ")}`;
    },
  },
  {
    title: "requestedSchema",
    async run({ spark }) {
      const requestedSchema = new Schema([new Field("id", new Utf8(), true)]);
      const stream = sparkStream(spark.range(3), { requestedSchema }).compose(rows());
      expect(await stream.toArray()).to.deep.equal([{ id: "0" }, { id: "1" }, { id: "2" }]);
      return undefined;
    },
  },
  {
    title: "schema() before the result",
    inCi: true,
    async run({ spark }) {
      const frame = spark.sql(EVERY_TYPE);
      const before = await frame.schema();
      const [batch] = await sparkStream(frame).toArray();
      const names = (schema: Schema) => schema.fields.map(({ name, type }) => `${name} ${type}`);
      expect(names(before)).to.deep.equal(names(batch.schema));
      return undefined;
    },
  },
  {
    title: "count",
    async run({ spark }) {
      expect(await spark.range(12_345).count()).to.equal(12_345);
      return undefined;
    },
  },
  {
    title: "createDataFrame",
    inCi: true,
    async run({ spark }) {
      const table = tableFromArrays({ id: BigInt64Array.of(1n, 2n, 3n) });
      const frame = spark.createDataFrame(table);
      expect(frame.session).to.equal(spark);
      expect(await idsOf(sparkStream(frame))).to.deep.equal([1, 2, 3]);
      expect((await frame.schema()).fields[0]!.type).to.be.instanceOf(Int64);
      return undefined;
    },
  },
  {
    title: "createDataFrame, rows of 5 MB",
    inCi: true,
    async run({ spark }) {
      const objects = Array.from({ length: 150_000 }, (_, id) => ({
        id,
        name: `name ${id}`,
        at: new Date(id),
        tags: id % 3 === 0 ? null : [`${id % 7}`],
        more: { half: id / 2 },
      }));
      const [found] = await spark
        .createDataFrame(objects)
        .groupBy()
        .agg(
          "count(*) AS n",
          "sum(id) AS ids",
          "count(DISTINCT name) AS names",
          "count(tags[0]) AS tags",
          "sum(more.half) AS halves",
          "max(unix_millis(at)) AS at",
        )
        .collect();
      expect(found).to.include({
        n: 150_000n,
        ids: 11_249_925_000n,
        names: 150_000n,
        tags: 100_000n,
        halves: 5_624_962_500,
        at: 149_999n,
      });
      return undefined;
    },
  },
  ...(["upload", "pull"] as const).map((delivery) => ({
    title: `sparkWriter, "${delivery}"`,
    inCi: true,
    async run({ spark }: Subject) {
      const dir = await mkdtemp(join(tmpdir(), "spark-arrow-stream-servers-"));
      const path = join(dir, "out");
      try {
        const options = { delivery, readAheadBytes: 400_000 };
        await pipeline(Readable.from(numbers(30)), sparkWriter(spark, { path, format: "parquet" }, options));
        expect(await sumsOf(spark.read.parquet(path))).to.deep.equal(sumsTo(300_000));
        const again = pipeline(Readable.from(numbers(1)), sparkWriter(spark, { path, format: "parquet" }, options));
        const { code } = (await again.catch((error) => error)) as SparkStreamError;
        expect(code).to.equal("QUERY_FAILED");
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
      return undefined;
    },
  })),
  {
    title: "fromStream",
    inCi: true,
    async run({ spark }) {
      const frame = spark.fromStream(numbers(30), { readAheadBytes: 400_000 });
      expect(await sumsOf(frame)).to.deep.equal(sumsTo(300_000));
      expect(await frame.union(frame).count()).to.equal(600_000);
      await frame.unpersist();
      return undefined;
    },
  },
  {
    title: "fromStream, once",
    async run({ spark }) {
      expect(await sumsOf(spark.fromStream(numbers(30), { once: true }))).to.deep.equal(sumsTo(300_000));
      const sorted = spark.fromStream(numbers(30), { once: true }).orderBy("id").collect();
      const error = await sorted.then(
        () => undefined,
        (error) => error as SparkStreamError,
      );
      // A server may sort in one pass.
      if (error) expect(error.code).to.equal("INPUT_LOST");
      return undefined;
    },
  },
  {
    title: "write",
    async run({ spark }) {
      const dir = await mkdtemp(join(tmpdir(), "spark-arrow-stream-servers-"));
      try {
        await spark.range(0, 100, 1, 1).write.format("parquet").mode("overwrite").save(join(dir, "out"));
        expect((await readdir(join(dir, "out"))).some((name) => name.endsWith(".parquet"))).to.equal(true);
        expect(await spark.read.parquet(join(dir, "out")).count()).to.equal(100);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
      return undefined;
    },
  },
  {
    title: "a row of 140 MB",
    async run({ spark, server }) {
      const read = async (session: SparkSession) => {
        const [batch] = await sparkStream(session.sql("SELECT repeat('x', 140000000) AS s")).toArray();
        expect(batch.getChild("s")!.get(0)).to.have.length(140_000_000);
      };
      const error = await read(spark).then(
        () => undefined,
        (found: SparkStreamError) => found,
      );
      if (!error) return undefined;
      expect(error).to.have.property("code", "MESSAGE_TOO_LARGE");
      expect(error.message).to.include("grpc_max_message_size");
      const larger = await connect(`${server.url}/;grpc_max_message_size=300000000`, tokenOf(server));
      try {
        await read(larger);
      } finally {
        await larger.close();
      }
      return "with grpc_max_message_size";
    },
  },
  {
    title: "a wrong token",
    async run({ server }) {
      if (server.token === undefined) throw new SparkStreamError("UNSUPPORTED", "knows no tokens");
      const connecting = connect(server.url, { token: "wrong" }).then((spark) => spark.close());
      const code = await connecting.then(
        () => undefined,
        (error: SparkStreamError) => error.code,
      );
      if (code === undefined) throw new SparkStreamError("UNSUPPORTED", "it takes any token");
      expect(code).to.equal("UNAUTHENTICATED");
      return undefined;
    },
  },
  {
    title: "the command line",
    async run({ server }) {
      const cli = new URL("../../lib/cli.ts", import.meta.url).pathname;
      const env = { ...process.env, SPARK_REMOTE: server.url, SPARK_CONNECT_AUTHENTICATE_TOKEN: server.token ?? "" };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--import", "tsx", cli, "--sql", "SELECT id FROM range(3)", "--format", "csv"],
        { env },
      );
      expect(stdout.trim().split(/\r?\n/)).to.deep.equal(["id", "0", "1", "2"]);
      return undefined;
    },
  },
];
