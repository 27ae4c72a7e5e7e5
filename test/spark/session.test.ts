import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import {
  connect,
  type DataFrame,
  type SparkSession,
  SparkStreamError,
  type SqlParameter,
  sparkStream,
} from "../../lib/index.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

async function rowsOf(frame: DataFrame): Promise<Record<string, unknown>[]> {
  const rows = [];
  for await (const batch of sparkStream(frame)) for (const row of batch) rows.push(row.toJSON());
  return rows;
}

async function failure(promise: Promise<unknown>): Promise<SparkStreamError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(SparkStreamError);
    return error as SparkStreamError;
  }
  throw new Error("it should have failed");
}

describe("a session on a real Spark", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
  });
  after(() => spark?.close());

  it("tells the server's version", async () => {
    expect(await spark.version()).to.equal((await sparkServer()).version);
  });

  it("sets, gets and unsets a setting, and gives the default for one that is not set", async () => {
    await spark.conf.set("spark.sql.shuffle.partitions", 3);
    expect(await spark.conf.get("spark.sql.shuffle.partitions")).to.equal("3");
    await spark.conf.unset("spark.sql.shuffle.partitions");
    expect(await spark.conf.get("spark.sql.shuffle.partitions")).to.equal("200");
    expect(await spark.conf.get("spark.no.such.key", "other")).to.equal("other");
    expect((await failure(spark.conf.get("spark.no.such.key"))).code).to.equal("QUERY_FAILED");
  });

  const parameters: [SqlParameter, string, unknown][] = [
    [null, "void", null],
    [true, "boolean", true],
    [42, "int", 42],
    [-0.5, "double", -0.5],
    [2 ** 40, "bigint", 2n ** 40n],
    [2n ** 62n, "bigint", 2n ** 62n],
    ["it's; DROP TABLE -- ?", "string", "it's; DROP TABLE -- ?"],
    [new Date("2026-02-03T04:05:06.789Z"), "timestamp", Date.parse("2026-02-03T04:05:06.789Z")],
    [Uint8Array.of(0, 255), "binary", Uint8Array.of(0, 255)],
  ];
  for (const [value, type, expected] of parameters) {
    it(`binds a parameter of type ${type}, by name and by position`, async () => {
      const named = await rowsOf(spark.sql("SELECT :x AS x, typeof(:x) AS t", { x: value }));
      expect(named).to.deep.equal([{ x: expected, t: type }]);
      const positional = await rowsOf(spark.sql("SELECT ? AS x, typeof(?) AS t", [value, value]));
      expect(positional).to.deep.equal([{ x: expected, t: type }]);
    });
  }

  it("binds arrays, widening their numbers to one type", async () => {
    const args = { a: [1, 2 ** 40], b: [1, 2.5], c: ["x", null], d: [[1], [2]] };
    const [row] = await rowsOf(spark.sql("SELECT typeof(:a) a, typeof(:b) b, typeof(:c) c, typeof(:d) d", args));
    expect(row).to.deep.equal({ a: "array<bigint>", b: "array<double>", c: "array<string>", d: "array<array<int>>" });
  });

  it("refuses a parameter that SQL has no type for, before anything is sent", () => {
    expect(() => spark.sql("SELECT :x", { x: Symbol("x") as never }))
      .to.throw(SparkStreamError, /parameter x is a symbol/)
      .with.property("code", "INVALID_ARGUMENT");
  });

  it("runs a command once, however often its DataFrame is looked at", async () => {
    await spark.sql("CREATE OR REPLACE TEMPORARY VIEW numbers AS SELECT * FROM range(4)").execute();
    const dir = temporaryDirectory("once");
    await spark.sql(`CREATE TABLE once (id BIGINT) USING parquet LOCATION '${dir}/t'`).execute();
    try {
      const insert = spark.sql("INSERT INTO once SELECT id FROM numbers");
      await insert.schema();
      await insert.schema();
      await insert.execute();
      expect(await spark.table("once").count()).to.equal(4);
    } finally {
      await spark.sql("DROP TABLE once").execute();
    }
  });

  it("gives the rows of a command such as SHOW", async () => {
    const shown = spark.sql("SHOW FUNCTIONS LIKE 'abs'");
    expect(await rowsOf(shown)).to.deep.equal([{ function: "abs" }]);
    expect(await rowsOf(shown.where("function = 'nothing'"))).to.deep.equal([]);
  });

  it("reads CSV, JSON and Parquet files, with options and a schema", async () => {
    const dir = temporaryDirectory("read");
    await writeFile(join(dir, "a.csv"), "id;name\n1;Ada\n2;\n");
    await writeFile(join(dir, "a.json"), '{"id":1}\n{"id":2}\n');
    const csv = spark.read
      .schema("id INT, name STRING")
      .option("header", true)
      .option("sep", ";")
      .csv(join(dir, "a.csv"));
    expect(await rowsOf(csv)).to.deep.equal([
      { id: 1, name: "Ada" },
      { id: 2, name: null },
    ]);
    expect(await spark.read.json(join(dir, "a.json")).count()).to.equal(2);
    await csv.write.mode("overwrite").save(join(dir, "p"));
    expect(await rowsOf(spark.read.parquet(join(dir, "p")).orderBy("id"))).to.have.length(2);
    expect(await rowsOf(spark.read.format("parquet").load(join(dir, "p")).select("name"))).to.have.length(2);
  });

  it("makes a DataFrame of record batches, all of them", async () => {
    const first = tableFromArrays({ id: Int32Array.of(1, 2), name: ["a", "b"] }).batches[0]!;
    const second = tableFromArrays({ id: Int32Array.of(3), name: ["c"] }).batches[0]!;
    const frame = spark.createDataFrame([first, second]);
    const rows = await rowsOf(frame.orderBy("id"));
    expect(rows).to.deep.equal([
      { id: 1, name: "a" },
      { id: 2, name: "b" },
      { id: 3, name: "c" },
    ]);
    const empty = spark.createDataFrame(first.slice(0, 0));
    expect(await empty.count()).to.equal(0);
    expect(() => spark.createDataFrame([])).to.throw(SparkStreamError, /at least one row or record batch/);
  });

  // Names that are empty were left out of the schema, and Spark failed with a NullPointerException.
  it("makes a DataFrame of record batches whose columns, or lists, have no name", async () => {
    const [batch] = tableFromArrays({ "": Int32Array.of(1, 2), lists: [[1, 2], [3]] }).batches;
    const frame = spark.createDataFrame(batch!);
    expect((await frame.schema()).fields.map(({ name }) => name)).to.deep.equal(["", "lists"]);
    const named = frame.toDF("a", "lists").select("a", "lists[0] AS first");
    expect(await rowsOf(named.orderBy("a"))).to.deep.equal([
      { a: 1, first: 1 },
      { a: 2, first: 3 },
    ]);
  });

  // A TIMESTAMP's zone in Arrow is the text of the setting.
  it("knows the zone that batches will have, whatever the session's is", async () => {
    await using own = await sparkSession();
    for (const zone of ["GMT+8", "UTC-03:30", "PST", "Europe/Vienna"]) {
      await own.conf.set("spark.sql.session.timeZone", zone);
      const frame = own.sql("SELECT TIMESTAMP'2026-06-30 12:00:00' AS at");
      const zoneOf = ({ fields }: { fields: { type: { timezone?: string } }[] }) => fields[0]!.type.timezone;
      expect(zoneOf(await frame.schema())).to.equal(zone);
      expect(zoneOf(await sparkStream(frame).schema)).to.equal(zone);
    }
  });

  it("counts a range with a step and partitions", async () => {
    expect(await spark.range(10).count()).to.equal(10);
    expect(await rowsOf(spark.range(0, 10, 5, 2))).to.deep.equal([{ id: 0n }, { id: 5n }]);
  });

  it("ends on the server with `await using`, and what it is asked afterwards fails at the call", async () => {
    let frame: DataFrame;
    {
      await using own = await sparkSession();
      frame = own.range(3);
      expect(await frame.count()).to.equal(3);
    }
    expect(() => sparkStream(frame))
      .to.throw(SparkStreamError)
      .with.property("code", "SESSION_CLOSED");
    expect((await failure(frame.schema())).code).to.equal("SESSION_CLOSED");
  });

  it("says that the token is wrong, or missing, and never what it was", async () => {
    const { url } = await sparkServer();
    const wrong = await failure(connect(url, { token: "guess-1234" }));
    expect(wrong.code).to.equal("UNAUTHENTICATED");
    expect(JSON.stringify(wrong) + wrong.stack + wrong.message).not.to.include("guess-1234");
    const missing = await failure(connect(url));
    expect(missing.code).to.equal("UNAUTHENTICATED");
    expect(missing.message).to.include("requires a token");
  });
});
