// What is in memory as a DataFrame: each value must come back as it went, whichever way it went.
import { readFileSync } from "node:fs";
import {
  Field,
  Int32,
  Int64,
  makeVector,
  type RecordBatch,
  Schema,
  Table,
  tableFromArrays,
  tableFromIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { connect, type DataFrame, rows, type SparkSession, SparkStreamError, sparkStream } from "../../lib/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { runPython } from "../support/python.js";
import { Random } from "../support/random.js";
import { errorOf } from "../support/scripted.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { arrowScript, directoryPerTest } from "../support/writers.js";

const THRESHOLD = "spark.sql.session.localRelationCacheThreshold";
const SIZE_LIMIT = "spark.sql.session.localRelationSizeLimit";

/** Spark type → an expression with a value that is hard to keep. */
const types: Readonly<Record<string, string>> = {
  boolean: "true",
  tinyint: "-128Y",
  smallint: "32767S",
  int: "-2147483648",
  bigint: "9223372036854775807L",
  float: "CAST(1.1 AS FLOAT)",
  double: "0.1D",
  "decimal(38,18)": "CAST('-12345678901234567890.123456789012345678' AS DECIMAL(38,18))",
  "decimal(5,2)": "CAST('999.99' AS DECIMAL(5,2))",
  string: "'Grüße, 世界 🌍'",
  binary: "X'00FF7F80'",
  date: "DATE'0001-01-01'",
  timestamp: "TIMESTAMP'2026-06-30 12:34:56.123456'",
  timestamp_ntz: "TIMESTAMP_NTZ'1969-12-31 23:59:59.999999'",
  time: "TIME'12:34:56.123456'",
  "interval day to second": "INTERVAL '1 02:03:04.567891' DAY TO SECOND",
  "interval year to month": "INTERVAL '1-2' YEAR TO MONTH",
  interval: "make_interval(1, 2, 3, 4, 5, 6, 7.000001)",
  "array<int>": "array(1, NULL, 3)",
  "array<array<string>>": "array(array('a'), NULL, array())",
  "struct<a:int,b:struct<c:string>>": "named_struct('a', 1, 'b', named_struct('c', 'x'))",
  "map<string,decimal(4,1)>": "map('k', CAST(1.5 AS DECIMAL(4,1)), 'n', NULL)",
  "map<int,array<struct<x:date>>>": "map(1, array(named_struct('x', DATE'2026-01-01')))",
  variant: `parse_json('{"a": [1, null]}')`,
  void: "NULL",
};

/** Types of which rows() gives a value that a row object with that schema takes. */
const inRows = Object.keys(types).filter((type) => type !== "interval" && type !== "variant");

/** Three rows: the value, a null, the value; and no nullable column where the expression cannot be null. */
const query = (expression: string) =>
  `SELECT id, IF(id = 1, NULL, ${expression}) AS value, ${expression} AS never_null FROM range(0, 3, 1, 2)`;

const valuesOf = (frame: DataFrame) => sparkStream(frame).compose(rows()).toArray();

/** The upload of artifacts, counted. */
function countUploads(spark: SparkSession): { bytes: number; artifacts: number } {
  const counted = { bytes: 0, artifacts: 0 };
  const { client } = spark;
  const { addArtifact } = client;
  client.addArtifact = async (name, artifact, options) => {
    counted.artifacts++;
    counted.bytes += artifact.size;
    await addArtifact.call(client, name, artifact, options);
  };
  return counted;
}

/** A table of about 40 bytes a row, whose values count on from `first`. */
function tableOf(length: number, first = 0): Table {
  const numbers = Int32Array.from({ length }, (_, row) => first + row);
  return new Table({
    id: makeVector(BigInt64Array.from(numbers, BigInt)),
    half: makeVector(Float64Array.from(numbers, (number) => number / 2)),
    text: vectorFromArray(
      Array.from(numbers, (number) => `text ${number}`),
      new Utf8(),
    ),
  });
}

/** Its count, and sums that differ if a row is lost, doubled or changed. */
async function summary(frame: DataFrame): Promise<unknown> {
  const sums = frame
    .groupBy()
    .agg("count(*) AS n", "sum(id) AS ids", "sum(half) AS halves", "count(DISTINCT text) AS texts");
  return (await sums.collect())[0];
}

function summaryOf(length: number, first = 0) {
  const ids = (length * (2 * first + length - 1)) / 2;
  return { n: BigInt(length), ids: BigInt(ids), halves: ids / 2, texts: BigInt(length) };
}

describe("createDataFrame", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  /** In which everything is uploaded, and nothing travels within a plan. */
  let uploading: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    [spark, uploading] = await Promise.all([sparkSession(), sparkSession()]);
    for (const session of [spark, uploading]) {
      await session.conf.set("spark.sql.session.timeZone", "Europe/Vienna");
      await session.conf.set("spark.sql.timeType.enabled", true);
    }
    await uploading.conf.set(THRESHOLD, 1);
  });
  after(async () => {
    await spark?.close();
    await uploading?.close();
  });

  for (const [type, expression] of Object.entries(types)) {
    it(`${type}: what a stream has comes back, within the plan and uploaded`, async () => {
      const frame = spark.sql(query(expression));
      const batches = await sparkStream(frame).toArray();
      for (const session of [spark, uploading]) {
        const back = session.createDataFrame(batches);
        expect(await valuesOf(back.orderBy("id"))).to.deep.equal(await valuesOf(frame.orderBy("id")));
        expect((await back.dtypes())[1]![1]).to.equal((await frame.dtypes())[1]![1]);
      }
    });
  }

  for (const type of inRows) {
    it(`${type}: what rows() has comes back, with a schema`, async () => {
      const frame = spark.sql(query(types[type]!));
      const objects = await valuesOf(frame);
      const schema = (await frame.dtypes()).map(([name, text]) => `${name} ${text}`).join(", ");
      const back = uploading.createDataFrame(objects, { schema });
      expect(await valuesOf(back.orderBy("id"))).to.deep.equal(objects);
      expect(await back.dtypes()).to.deep.equal(await frame.dtypes());
      const sameSchema = spark.createDataFrame(objects, { schema: await frame.schema() });
      expect(await valuesOf(sameSchema.orderBy("id"))).to.deep.equal(objects);
      expect((await sameSchema.schema()).fields.map(({ nullable }) => nullable)).to.deep.equal(
        (await frame.schema()).fields.map(({ nullable }) => nullable),
      );
    });
  }

  describe("of row objects without a schema", () => {
    it("has the types of all rows", async () => {
      const frame = spark.createDataFrame([
        { whole: 1, mixed: 1, big: 1, at: null, bytes: Buffer.from([1, 2]) },
        {
          whole: null,
          mixed: 0.5,
          big: 2n ** 62n,
          at: new Date(1),
          nested: { list: [1, null], map: new Map([[1n, "x"]]) },
          floats: Float32Array.of(0.5),
          unsigned: BigUint64Array.of(2n ** 64n - 1n),
          late: true,
        },
      ]);
      expect(await frame.dtypes()).to.deep.equal([
        ["whole", "bigint"],
        ["mixed", "double"],
        ["big", "bigint"],
        ["at", "timestamp"],
        ["bytes", "binary"],
        ["nested", "struct<list:array<bigint>,map:map<bigint,string>>"],
        ["floats", "array<float>"],
        ["unsigned", "array<decimal(20,0)>"],
        ["late", "boolean"],
      ]);
      expect(await frame.collect()).to.deep.equal([
        {
          ...{ whole: 1n, mixed: 1, big: 1n, at: null, bytes: Uint8Array.of(1, 2) },
          ...{ nested: null, floats: null, unsigned: null, late: null },
        },
        {
          ...{ whole: null, mixed: 0.5, big: 2n ** 62n, at: "1970-01-01T00:00:00.001000Z", bytes: null },
          ...{
            nested: { list: [1n, null], map: new Map([[1n, "x"]]) },
            floats: [0.5],
            unsigned: ["18446744073709551615"],
            late: true,
          },
        },
      ]);
    });

    it("names the row, the field and both types of what is not one type, and what has none", async () => {
      const cases: [object[], RegExp][] = [
        [[{ a: { b: [1] } }, { a: { b: ["x"] } }], /^Row 1: `a\.b\[\]` is a string, and a number in rows before it/],
        [[{ a: 1.5 }, { a: 1n }], /^Row 1: `a` is a bigint, and a number with digits/],
        [[{ a: 1n }, {}, { a: 0.5 }], /^Row 2: `a` is a number 0\.5, and a bigint in rows before it/],
        [[{ a: 2n ** 63n }], /^Row 0: `a` is 9223372036854775808n, which is beyond BIGINT.*DECIMAL/],
        [[{ a: Symbol("x") }], /^Row 0: `a` is a symbol, which has no type/],
        [[{ a: new Set() }], /^Row 0: `a` is a Set, which has no type/],
        [[{ a: null }, { a: [] }], /^The type of `a\[\]` is unknown.*schema/],
        [[{ a: "\ud800" }], /^Row 0 does not fit: `a` must be text that UTF-8 can express/],
        [[{ a: new Date(Number.NaN) }], /^Row 0 does not fit: `a` must be a Date/],
      ];
      const circle: Record<string, unknown> = {};
      circle.self = circle;
      cases.push([[circle], /nested more than 128 deep, or contains itself/]);
      const sent = countUploads(uploading);
      for (const [objects, message] of cases) {
        const error = await errorOf(uploading.createDataFrame(objects).schema());
        expect(error).to.include({ code: "INVALID_INPUT" });
        expect(error.message).to.match(message);
      }
      expect(sent.artifacts).to.equal(0);
    });
  });

  it("names the row, the field and what was expected, where rows do not fit a schema, and sends nothing", async () => {
    const cases: [string, object, RegExp][] = [
      ["a INT", { a: 2 ** 31 }, /`a` must be a whole number from -2147483648 to 2147483647 \(INT\), not 2147483648/],
      ["a INT", { a: "1" }, /`a` must be a whole number .* not "1"/],
      ["a BIGINT", { a: 2 ** 53 }, /`a` must be a whole number of 64 bits, a bigint if .*BIGINT/],
      ["a STRING NOT NULL", {}, /`a` must be a value \(the field is NOT NULL\), not undefined/],
      ["a DECIMAL(4,2)", { a: "1.234" }, /`a` must be .*exactly a DECIMAL\(4, 2\), not "1\.234"/],
      ["a DECIMAL(4,2)", { a: 100 }, /`a` must be .*exactly a DECIMAL\(4, 2\), not 100/],
      ["a DATE", { a: new Date(1) }, /`a` must be .*Date at midnight in UTC \(DATE\)/],
      ["a DATE", { a: "2025-02-29" }, /`a` must be .*DATE\), not "2025-02-29"/],
      ["a TIMESTAMP", { a: "2026-01-01 00:00:00" }, /`a` must be .*with a zone.*TIMESTAMP\)/],
      ["a TIMESTAMP_NTZ", { a: new Date(0) }, /`a` must be .*without a zone.*TIMESTAMP_NTZ\), not a Date/],
      ["a ARRAY<STRUCT<x: INT>>", { a: [{ x: 1 }, { x: true }] }, /`a\[\]\.x` must be a whole number .* not true/],
      ["a STRUCT<x: INT>", { a: { x: 1, y: 2 } }, /`a` must be an object without other fields .*"y"/],
      ["a MAP<STRING, INT>", { a: new Map([["k", "v"]]) }, /`a\.value` must be a whole number .* not "v"/],
      ["a INT", { a: 1, b: 2 }, /has the field "b", which the schema lacks/],
    ];
    const sent = countUploads(uploading);
    for (const [schema, row, message] of cases) {
      const good = schema.includes("NOT NULL") ? { a: "x" } : {};
      const error = await errorOf(uploading.createDataFrame([good, good, row], { schema }).schema());
      expect(error).to.include({ code: "INVALID_INPUT" });
      expect(error.message)
        .to.match(/^Row 2 /)
        .and.match(message);
    }
    const misspelt = await errorOf(spark.createDataFrame([{}], { schema: "a NONSENSE" }).schema());
    expect(misspelt).to.include({ code: "QUERY_FAILED" });
    const alone = await errorOf(spark.createDataFrame([{}], { schema: "INT" }).schema());
    expect(alone).to.include({ code: "INVALID_ARGUMENT" });
    const variant = await errorOf(spark.createDataFrame([{}], { schema: "v VARIANT" }).schema());
    expect(variant).to.include({ code: "UNSUPPORTED_TYPE" });
    expect(sent.artifacts).to.equal(0);
  });

  it("has no rows, but columns, of no rows with a schema", async () => {
    const schema = "id BIGINT NOT NULL, names ARRAY<STRING>, m MAP<STRING, STRUCT<x: INT>>";
    for (const session of [spark, uploading]) {
      const empty = session.createDataFrame([], { schema });
      expect(await empty.count()).to.equal(0);
      expect((await empty.dtypes()).map(([name]) => name)).to.deep.equal(["id", "names", "m"]);
      expect(await session.createDataFrame(new Table(await empty.schema())).isEmpty()).to.equal(true);
      expect(await session.createDataFrame(tableOf(3).batches[0]!.slice(0, 0)).count()).to.equal(0);
    }
    expect(() => spark.createDataFrame([])).to.throw(SparkStreamError, /at least one row or record batch.*or a schema/);
  });

  describe("of record batches", () => {
    const directory = directoryPerTest();

    it("takes what apache-arrow makes of JavaScript values", async () => {
      const table = tableFromArrays({
        number: [1.5, null],
        at: [new Date(5), new Date(-1)],
        word: ["a", null],
        lists: [[1, 2.5], [3]],
        flags: [{ on: true }, { on: false }],
        u8: Uint8Array.of(255, 1),
        u32: Uint32Array.of(2 ** 32 - 1, 1),
        u64: BigUint64Array.of(2n ** 64n - 1n, 1n),
      });
      for (const session of [spark, uploading]) {
        const frame = session.createDataFrame(table);
        expect(await frame.collect()).to.deep.equal([
          {
            ...{ number: 1.5, at: "1970-01-01T00:00:00.005000", word: "a", lists: [1, 2.5], flags: { on: true } },
            ...{ u8: 255, u32: 4294967295n, u64: "18446744073709551615" },
          },
          {
            number: null,
            at: "1969-12-31T23:59:59.999000",
            word: null,
            lists: [3],
            flags: { on: false },
            u8: 1,
            u32: 1n,
            u64: "1",
          },
        ]);
        expect(Object.fromEntries(await frame.dtypes())).to.include({ at: "timestamp_ntz", u64: "decimal(20,0)" });
      }
    });

    for (const seed of [21, 22]) {
      it(`keeps random nested values, of whole and of sliced batches, or refuses a column by its name (seed ${seed})`, async () => {
        const names = (await runPython(arrowScript("random_tables"), [
          directory.path(""),
          `${seed}`,
          "40",
        ])) as string[];
        let [kept, refused] = [0, 0];
        for (const [index, name] of names.entries()) {
          const table = tableFromIPC(readFileSync(directory.path(`${name}.arrow`)));
          const whole = table.batches;
          const cut = whole.flatMap((batch) => [batch.slice(0, 3), batch.slice(Math.min(3, batch.numRows))]);
          const batches = index % 2 === 0 ? whole : cut;
          const session = index % 3 === 0 ? spark : uploading;
          const expected = await valuesIn(batches);
          try {
            const frame = session.createDataFrame(batches);
            expect(plain(await valuesOf(frame)), name).to.deep.equal(plain(expected));
            kept++;
          } catch (error) {
            if (!(error instanceof SparkStreamError)) throw error;
            // Only nanoseconds may be refused: these are random, and Spark has microseconds.
            expect(error.message, name).to.match(/^Column `c\d.* a value that Spark cannot take exactly: -?\d+ ns/);
            expect(JSON.stringify(table.schema.fields.map(String)), name).to.include("<NANOSECOND");
            refused++;
          }
        }
        expect(kept).to.be.above(20);
        expect(kept + refused).to.equal(names.length);
      });
    }

    it("takes columns of a schema by their names, numbers as others if they are exactly those, and nulls for what is not there", async () => {
      const table = tableFromArrays({ b: Float64Array.of(1, 2), a: Int32Array.of(3, 4) });
      const frame = uploading.createDataFrame(table, { schema: "a BIGINT NOT NULL, b SMALLINT, c ARRAY<STRING>" });
      expect(await frame.collect()).to.deep.equal([
        { a: 3n, b: 1, c: null },
        { a: 4n, b: 2, c: null },
      ]);
      const at = tableFromArrays({ at: [new Date(5)] });
      expect(await spark.createDataFrame(at, { schema: "at TIMESTAMP" }).collect()).to.deep.equal([
        { at: "1970-01-01T00:00:00.005000Z" },
      ]);

      const half = tableFromArrays({ a: Float64Array.of(1, 1.5) });
      const inexact = await errorOf(spark.createDataFrame(half, { schema: "a INT" }).schema());
      expect(inexact).to.include({ code: "INVALID_INPUT" });
      expect(inexact.message).to.match(/^Row 1 does not fit: `a` must be a whole number/);
      const nulls = tableFromArrays({ a: [1, null] });
      const missing = await errorOf(spark.createDataFrame(nulls, { schema: "a DOUBLE NOT NULL" }).schema());
      expect(missing.message).to.match(/^Row 1 does not fit: `a` is null/);
      for (const schema of ["b SMALLINT", "a INT, b INT, c INT NOT NULL", "a STRING, b INT"]) {
        expect(await errorOf(spark.createDataFrame(table, { schema }).schema())).to.include({
          code: "SCHEMA_MISMATCH",
        });
      }
      const strict = new Schema([new Field("a", new Int64()), new Field("x", new Int32(), false)]);
      expect(() => spark.createDataFrame(half, { schema: strict })).to.throw(SparkStreamError, /lack the column `x`/);
    });

    it("keeps two columns of one name, and columns without a name, packed and not", async () => {
      const [batch] = tableFromArrays({ "": Int32Array.of(1, 2), x: Int32Array.of(3, 4) }).batches;
      const twins = new Schema([new Field("x", new Int32(), true), new Field("x", new Int32(), true)]);
      for (const session of [spark, uploading]) {
        const frame = session.createDataFrame(batch!);
        expect((await frame.schema()).fields.map(({ name }) => name)).to.deep.equal(["", "x"]);
        const renamed = session.createDataFrame([], { schema: new Schema([new Field("a b.`c", new Int32(), true)]) });
        expect(await renamed.columns()).to.deep.equal(["a b.`c"]);
        const { fields } = await session.createDataFrame(new Table(twins)).schema();
        expect(fields.map(({ name }) => name)).to.deep.equal(["x", "x"]);
      }
    });
  });

  describe("of more rows than a plan should carry", () => {
    const random = new Random(5);

    it("sends them once, however often they are used or given again, and not at all before that", async () => {
      await using own = await sparkSession();
      const sent = countUploads(own);
      const table = tableOf(100_000, random.below(1_000_000));
      const frame = own.createDataFrame(table);
      expect(sent.artifacts).to.equal(0);
      const first = await summary(frame);
      const { bytes, artifacts } = sent;
      expect(bytes).to.be.above(2_000_000);
      expect(await summary(frame)).to.deep.equal(first);
      expect(await summary(own.createDataFrame(table))).to.deep.equal(first);
      expect(sent).to.deep.equal({ bytes, artifacts });
    });

    it("keeps each row at sizes around the threshold, a portion, and several", async () => {
      await using own = await sparkSession();
      const sent = countUploads(own);
      // 1 MiB is the server's threshold, and 4 MiB are a portion here; a row has some 30 bytes.
      for (const length of [1, 31, 32, 33, 30_000, 33_000, 36_000, 65_536, 65_537, 280_000, 300_000]) {
        sent.artifacts = 0;
        const first = random.below(1_000);
        expect(await summary(own.createDataFrame(tableOf(length, first))), `${length}`).to.deep.equal(
          summaryOf(length, first),
        );
        expect(sent.artifacts > 0, `${length} rows are uploaded`).to.equal(length > 35_000);
      }
      const objects = Array.from({ length: 300_000 }, (_, id) => ({ id, half: id / 2, text: `text ${id}` }));
      sent.artifacts = 0;
      expect(await summary(own.createDataFrame(objects))).to.deep.equal(summaryOf(objects.length));
      expect(sent.artifacts).to.be.above(1);
    });

    it("keeps all of many batches, the empty ones among them, in their order", async () => {
      const batches: RecordBatch[] = [];
      let rowCount = 0;
      while (rowCount < 100_000) {
        const [batch] = tableOf(random.pick([1, 7, 100, 5_000]), rowCount).batches;
        rowCount += batch!.numRows;
        batches.push(batch!, batch!.slice(0, 0));
      }
      const frame = uploading.createDataFrame(batches);
      expect(await summary(frame)).to.deep.equal(summaryOf(rowCount));
      const ids = (await frame.select("id").toTable()).getChild("id")!.toArray() as BigInt64Array;
      expect(ids.every((id, row) => id === BigInt(row))).to.equal(true);
    });

    it("is in clones of its session, in views, in queries and in joins", async () => {
      await using own = await sparkSession();
      const frame = own.createDataFrame(tableOf(50_000));
      const batches = await sparkStream(frame, { maxRecordsPerBatch: 777 }).toArray();
      expect(batches.reduce((sum: number, { numRows }: RecordBatch) => sum + numRows, 0)).to.equal(50_000);
      await frame.createOrReplaceTempView("uploaded");
      expect(await own.table("uploaded").join(frame, "id").count()).to.equal(50_000);
      expect(await own.sql("SELECT count(*) AS n FROM {f} WHERE half < 5", { f: frame }).collect()).to.deep.equal([
        { n: 10n },
      ]);
    });

    it("is refused over the server's limit before the first byte is sent", async () => {
      await using own = await sparkSession();
      await own.conf.set(SIZE_LIMIT, 2_000_000);
      const sent = countUploads(own);
      const error = await errorOf(own.createDataFrame(tableOf(200_000)).schema());
      expect(error).to.include({ code: "MESSAGE_TOO_LARGE" });
      expect(error.message).to.include("2000000 bytes").and.include(SIZE_LIMIT);
      expect(sent.artifacts).to.equal(0);
    });

    it("ends at an abort, leaves nothing running, and can be used again", async () => {
      await using own = await sparkSession();
      const stop = new AbortController();
      const { client } = own;
      const { addArtifact } = client;
      let started = 0;
      client.addArtifact = async (name, artifact, options) => {
        if (++started === 2) setImmediate(() => stop.abort());
        await addArtifact.call(client, name, artifact, options);
      };
      const frame = own.createDataFrame(tableOf(1_000_000));
      const error = await frame.schema({ signal: stop.signal }).catch((caught: Error) => caught);
      expect(error).to.have.property("name", "AbortError");
      const before = started;
      expect(await own.interruptAll()).to.deep.equal([]);
      expect(started).to.equal(before);
      expect(await summary(frame)).to.deep.equal(summaryOf(1_000_000));
    });

    it("survives cuts in the middle of the upload", async () => {
      const { url, token } = await sparkServer();
      await using proxy = await startFaultProxy({ port: Number(new URL(url).port) }, (connection) =>
        connection < 3 ? { after: 3_000_000 + connection * 700_000, direction: "up", do: "reset" } : undefined,
      );
      await using own = await connect(`sc://127.0.0.1:${proxy.port}`, { token });
      expect(await summary(own.createDataFrame(tableOf(700_000)))).to.deep.equal(summaryOf(700_000));
      expect(proxy.connections.filter(({ up }) => up > 2_900_000)).to.have.length.above(2);
    });

    it("is not broadcast if it is large, though Spark takes packed rows to be smaller", async () => {
      await using own = await sparkSession();
      const broadcasts = async (frame: DataFrame) => {
        const other = own.range(0, 1_000_000_000).withColumnRenamed("id", "other");
        const joined = frame.join(other, { on: "id = other" });
        return (await joined.explain()).includes("BroadcastHashJoin");
      };
      const wide = (length: number) => own.createDataFrame(tableOf(length));
      expect(await broadcasts(wide(50_000))).to.equal(true);
      await own.conf.set("spark.sql.autoBroadcastJoinThreshold", "1MB");
      expect(await broadcasts(wide(2_500_000))).to.equal(false);
    });

    it("is refused if rows were changed while they were sent", async () => {
      await using own = await sparkSession();
      const table = tableOf(2_000_000);
      const { client } = own;
      const { addArtifact } = client;
      client.addArtifact = async (name, artifact, options) => {
        (table.batches.at(-1)!.getChild("half")!.data[0]!.values as Float64Array)[1_999_999] = -1;
        await addArtifact.call(client, name, artifact, options);
      };
      const error = await errorOf(own.createDataFrame(table).schema());
      expect(error).to.include({ code: "INVALID_INPUT" });
      expect(error.message).to.include("changed while createDataFrame() sent them");
    });
  });
});

/** The values of batches, as rows() has them. */
async function valuesIn(batches: readonly RecordBatch[]): Promise<unknown[]> {
  const stream = rows();
  const values = stream.toArray();
  for (const batch of batches) stream.write(batch);
  stream.end();
  return await values;
}

/** Numbers of any type as text, and fractions of seconds without the zeros that they end with. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (typeof value === "string") return value.replace(/(:\d\d)(?:\.0+|(\.\d*?[1-9])0+)(?=Z?$)/, "$1$2");
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [plain(key), plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array || value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
