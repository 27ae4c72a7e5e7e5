// What most queries of a service want: a value, a row, some rows, a table; parameters in every expression.
import { once } from "node:events";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Table } from "apache-arrow";
import { expect } from "chai";
import { type DataFrame, ndjsonWriter, type SparkSession, sparkStream } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";
import { until } from "../support/until.js";

interface Trip {
  readonly id: bigint;
  readonly city: string;
  readonly price: string;
}

describe("Small results", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  let trips: DataFrame;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    trips = spark.sql(`SELECT id, element_at(array('Rome', 'Oslo', "O'Hara"), CAST(id % 3 AS INT) + 1) AS city,
      CAST(id AS DECIMAL(10, 2)) AS price FROM range(0, 9, 1, 3)`);
  });
  after(() => spark?.close());

  const idsOf = async (frame: DataFrame) => (await frame.orderBy("id").collect<Trip>()).map(({ id }) => Number(id));

  async function nothingRuns(): Promise<void> {
    await spark.client.stopped();
    await until(async () => (await spark.interruptAll()).length === 0, "nothing runs");
  }

  it("are one value, the first row, some rows, or all of them, as typed objects", async () => {
    const first = await trips.first<Trip>();
    expect(first?.city).to.equal("Rome");
    expect((await trips.agg("count(*) AS trips").first<{ trips: bigint }>())?.trips).to.equal(9n);
    expect(await trips.where("id < 0").first()).to.equal(undefined);
    expect((await trips.take<Trip>(2)).map(({ price }) => price)).to.deep.equal(["0.00", "1.00"]);
    expect((await trips.tail<Trip>(2)).map(({ id }) => id)).to.deep.equal([7n, 8n]);
    expect(await idsOf(trips)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await trips.take(0)).to.deep.equal([]);
    expect([await trips.isEmpty(), await trips.where("id < 0").isEmpty()]).to.deep.equal([false, true]);
    expect((await trips.collect<{ price: number }>({ decimals: "number" }))[8]!.price).to.equal(8);
  });

  it("are a stream of rows, which ends the query when it is left", async () => {
    const ids: bigint[] = [];
    for await (const { id } of trips.rows<Trip>()) ids.push(id);
    expect(ids).to.have.length(9);
    const endless = spark.range(0, 50_000_000, 1, 500).rows();
    for await (const _ of endless) break;
    if (!endless.closed) await once(endless, "close");
    await nothingRuns();
  });

  it("are an apache-arrow Table, also without rows", async () => {
    const table: Table = await trips.toTable();
    expect([table.numRows, table.schema.fields.map(({ name }) => name)]).to.deep.equal([9, ["id", "city", "price"]]);
    expect((await trips.where("false").toTable()).numRows).to.equal(0);
  });

  it("survive JSON.stringify with json: true, and are what ndjsonWriter writes", async () => {
    const frame =
      spark.sql(`SELECT count(*) AS n, 9007199254740993 AS big, 0.10BD AS price, X'CAFE' AS bytes, CAST(0.1 AS FLOAT) AS f,
      CAST('NaN' AS DOUBLE) AS nan, map('a', array(1, NULL)) AS m, parse_json('{"k": [1]}') AS v, DATE'2026-01-02' AS day,
      CAST(NULL AS STRING) AS none FROM range(3)`);
    const rows = await frame.collect({ json: true });
    expect(JSON.parse(JSON.stringify(rows))).to.deep.equal(rows);
    const chunks: Buffer[] = [];
    const target = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    await pipeline(sparkStream(frame), ndjsonWriter(target));
    expect(rows).to.deep.equal([JSON.parse(Buffer.concat(chunks).toString())]);
    expect(rows[0]).to.include({ n: 3, big: "9007199254740993", price: "0.10", bytes: "yv4=" });
    const [row] = await frame.rows({ json: true, integers: "string", decimals: "number" }).toArray();
    expect(row).to.include({ n: "3", price: 0.1 });
    for (const options of [{ json: true, timestamps: "date" }, { integers: "string" }, { json: "yes" }]) {
      expect((await errorOf(frame.collect(options as never))).code).to.equal("INVALID_ARGUMENT");
    }
  });

  it("are bounded in bytes, with an error that names the stream", async () => {
    for (const call of [() => trips.collect({ maxBytes: 10 }), () => trips.toTable({ maxBytes: 10 })]) {
      const error = await errorOf(call());
      expect(error).to.have.property("code", "RESULT_TOO_LARGE");
      expect(error.message).to.include("for await (const row of df.rows())");
    }
    await nothingRuns();
  });

  it("are printed as Spark prints them", async () => {
    expect(await trips.limit(1).showString()).to.equal(
      "+---+----+-----+\n| id|city|price|\n+---+----+-----+\n|  0|Rome| 0.00|\n+---+----+-----+\n",
    );
    expect(await trips.showString(1, { vertical: true })).to.include("-RECORD 0");
    expect(await trips.columns()).to.deep.equal(["id", "city", "price"]);
  });

  it("go by parameters in every expression, which are values and never text", async () => {
    const city = "O'Hara";
    expect(await idsOf(trips.where("city = :city", { city }))).to.deep.equal([2, 5, 8]);
    expect(await idsOf(trips.filter("city = :city AND id > :least", { city, least: 2 }))).to.deep.equal([5, 8]);
    expect(await idsOf(trips.where("city IN (:cities)", { cities: ["Oslo", city] }))).to.deep.equal([1, 2, 4, 5, 7, 8]);
    expect(await idsOf(trips.where("id = :id OR city = ':id'", { id: 4n }))).to.deep.equal([4]);
    const [row] = await trips.select("id", ":city AS c", "price * :rate AS p", { city, rate: 2 }).take(1);
    expect(row).to.deep.equal({ id: 0n, c: city, p: "0.00" });
    expect((await trips.withColumn("x", ":x", { x: "y" }).first())?.x).to.equal("y");
    expect(await trips.withColumn("x", ":x", { x: 1 }).columns()).to.deep.equal(["id", "city", "price", "x"]);
    const sum = await trips
      .groupBy("city")
      .agg("sum(id * :n) AS s", { n: 10 })
      .orderBy("abs(s - :middle)", { middle: 120 })
      .first();
    expect(sum?.s).to.equal(120n);
    const joined = trips.alias("a").join(trips.alias("b"), { on: "a.id = b.id + :one", args: { one: 1 } });
    expect(await joined.count()).to.equal(8);
    expect(await idsOf(trips.alias("t").where("t.id < :n", { n: 2 }))).to.deep.equal([0, 1]);
  });

  it("refuse parameters without a value, values without a parameter, and what has no SQL type", async () => {
    const wrong: readonly [() => unknown, string][] = [
      [() => trips.where("id = :id", {}), "where() has the parameter :id, and no value for it."],
      [() => trips.where("id = 1", { id: 1 }), "where() has a value for :id, which its expressions do not name."],
      [() => trips.where("id IN (:ids)", { ids: [] }), "where() has an empty array for IN (:ids)."],
      [() => trips.where("id = :id", { id: {} as never }), "The parameter id is an object"],
      [() => trips.select("id", 5 as never), "select()"],
    ];
    for (const [call, says] of wrong) expect(call).to.throw().with.property("message").that.includes(says);
  });

  it("take frames as parameters of a query, and of a command", async () => {
    const query = "SELECT count(*) AS c FROM {trips} t JOIN {cities} USING (city) WHERE t.id >= :least";
    const cities = spark.sql("SELECT 'Oslo' AS city");
    expect(await spark.sql(query, { trips, cities, least: 4 }).collect()).to.deep.equal([{ c: 2n }]);
    await spark.execute("CREATE TABLE oslo AS SELECT * FROM {trips} WHERE city = :city", { trips, city: "Oslo" });
    expect(await spark.table("oslo").count()).to.equal(3);
    await spark.execute("DROP TABLE oslo");
    expect(() => spark.sql("SELECT 1", { trips })).to.throw(/write \{trips\} there/);
    await using other = await sparkSession();
    expect(() => other.sql("SELECT * FROM {trips}", { trips })).to.throw(/belongs to another session/);
  });

  it("have PySpark's names", async () => {
    const twice = trips.union(trips);
    expect(await twice.distinct().count()).to.equal(9);
    expect(await twice.dropDuplicates("city").count()).to.equal(3);
    expect(await trips.withColumnRenamed("city", "town").columns()).to.deep.equal(["id", "town", "price"]);
    expect(await trips.withColumnsRenamed({ city: "town", id: "n" }).columns()).to.deep.equal(["n", "town", "price"]);
    const more = trips.withColumns({ a: "id + 1", b: ":b" }, { b: "c" });
    expect(await more.where("id = 0").select("a", "b").first()).to.deep.equal({ a: 1n, b: "c" });
    expect(await trips.select("id").intersect(spark.range(3)).count()).to.equal(3);
    expect(await trips.select("id").except(spark.range(3)).count()).to.equal(6);
    expect(await trips.crossJoin(spark.range(2).toDF("n")).count()).to.equal(18);
    const partly = spark.sql("SELECT 'x' AS city, 100L AS id");
    expect(await trips.unionByName(partly, true).where("price IS NULL").count()).to.equal(1);
    expect((await errorOf(trips.unionByName(partly).count())).code).to.equal("QUERY_FAILED");
    expect(await trips.sample(1, 7).count()).to.equal(9);
    expect(await trips.sort("id DESC").first()).to.include({ id: 8n });
    expect(await trips.hint("broadcast").selectExpr("id").count()).to.equal(9);
    expect(await trips.join(spark.range(3), "id", "leftanti").count()).to.equal(6);
    const cached = await spark.range(5).cache();
    expect(await cached.explain()).to.include("InMemory");
    await cached.unpersist();
    expect(await cached.explain()).not.to.include("InMemory");
  });
});
