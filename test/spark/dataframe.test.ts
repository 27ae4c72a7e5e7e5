import { join } from "node:path";
import { expect } from "chai";
import { type DataFrame, type SparkSession, SparkStreamError, sparkStream } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

async function rowsOf(frame: DataFrame): Promise<Record<string, unknown>[]> {
  const rows = [];
  for await (const batch of sparkStream(frame)) for (const row of batch) rows.push(row.toJSON());
  return rows;
}

describe("a DataFrame on a real Spark", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  let people: DataFrame;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    people = spark.sql("SELECT * FROM VALUES (1, 'Ada', 'x'), (2, 'Bob', 'y'), (3, 'Cyd', NULL) AS t(id, name, team)");
  });
  after(() => spark?.close());

  it("selects expressions", async () => {
    expect(await rowsOf(people.select("id * 2 AS twice", "upper(name)"))).to.deep.include({
      twice: 4,
      "upper(name)": "BOB",
    });
    expect((await rowsOf(people.select("*", "1 AS one")))[0]).to.deep.equal({ id: 1, name: "Ada", team: "x", one: 1 });
  });

  it("keeps the rows where a condition holds", async () => {
    expect(await rowsOf(people.where("team IS NULL").select("id"))).to.deep.equal([{ id: 3 }]);
  });

  it("adds, replaces and drops columns", async () => {
    const changed = people.withColumn("name", "lower(name)").withColumn("n", "id + 1").drop("team", "nothing");
    expect((await rowsOf(changed))[0]).to.deep.equal({ id: 1, name: "ada", n: 2 });
  });

  it("takes a limit after an offset", async () => {
    expect(await rowsOf(people.orderBy("id").offset(1).limit(1).select("id"))).to.deep.equal([{ id: 2 }]);
  });

  it("orders as SQL does: direction and place of nulls", async () => {
    const ids = async (...orders: string[]) => (await rowsOf(people.orderBy(...orders))).map(({ id }) => id);
    expect(await ids("team")).to.deep.equal([3, 1, 2]);
    expect(await ids("team DESC")).to.deep.equal([2, 1, 3]);
    expect(await ids("team ASC NULLS LAST")).to.deep.equal([1, 2, 3]);
    expect(await ids("team desc nulls first")).to.deep.equal([3, 2, 1]);
    expect(await ids("length(name)", "id DESC")).to.deep.equal([3, 2, 1]);
  });

  it("repartitions by number and by expressions", async () => {
    const partitions = async (frame: DataFrame) =>
      (await rowsOf(frame.select("spark_partition_id() AS p").groupBy("p").agg("count(*)"))).length;
    expect(await partitions(spark.range(100).repartition(5))).to.equal(5);
    expect(await partitions(spark.range(100).repartition(4, "id % 2"))).to.be.at.most(2);
  });

  it("unites by position and keeps duplicates", async () => {
    expect(await people.union(people).count()).to.equal(6);
  });

  it("joins on names in every way", async () => {
    const teams = spark.sql("SELECT * FROM VALUES ('x', 10), ('z', 30) AS t(team, points)");
    const counts: Record<string, number> = {};
    for (const how of ["inner", "left", "right", "full", "semi", "anti"] as const) {
      counts[how] = await people.join(teams, "team", how).count();
    }
    expect(counts).to.deep.equal({ inner: 1, left: 3, right: 2, full: 4, semi: 1, anti: 2 });
    expect(() => people.join(teams, "team", "sideways" as never)).to.throw(
      SparkStreamError,
      /Unknown join type "sideways"/,
    );
  });

  it("groups and aggregates, also all rows as one group", async () => {
    const grouped = people.groupBy("id % 2 AS odd").agg("count(*) AS n", "max(name) AS last").orderBy("odd");
    expect(await rowsOf(grouped)).to.deep.equal([
      { odd: 0, n: 1n, last: "Bob" },
      { odd: 1, n: 2n, last: "Cyd" },
    ]);
    expect(await rowsOf(people.groupBy().agg("sum(id) AS s"))).to.deep.equal([{ s: 6n }]);
  });

  it("has an alias that expressions qualify columns with", async () => {
    expect((await rowsOf(people.alias("p").select("p.id")))[0]).to.deep.equal({ id: 1 });
  });

  it("becomes a view that SQL knows", async () => {
    await people.createOrReplaceTempView("people");
    expect(await spark.table("people").count()).to.equal(3);
    expect(await spark.sql("SELECT 1 FROM people WHERE id > :min", { min: 1 }).count()).to.equal(2);
  });

  it("explains its plan in every mode", async () => {
    expect(await people.explain()).to.include("Physical Plan");
    expect(await people.explain("extended")).to.include("Optimized Logical Plan");
    expect(await people.explain("formatted")).to.include("(1)");
  });

  it("writes tables and files, by mode", async () => {
    const dir = temporaryDirectory("write");
    const path = join(dir, "out");
    await people.write.format("json").save(path);
    let failed: unknown;
    await people.write
      .format("json")
      .save(path)
      .catch((error) => {
        failed = error;
      });
    expect(failed).to.be.instanceOf(SparkStreamError).with.property("errorClass", "PATH_ALREADY_EXISTS");
    await people.write.format("json").mode("append").save(path);
    expect(await spark.read.json(path).count()).to.equal(6);
    await people.write.format("parquet").option("path", join(dir, "t")).partitionBy("team").saveAsTable("written");
    expect(await spark.table("written").count()).to.equal(3);
    await spark.sql("DROP TABLE written").execute();
  });

  // protobuf-es reads 100 messages within each other, and 34 structs were "no message of its protocol".
  it("has a schema of 100 structs, one in the other, and batches of it", async () => {
    let expression = "1";
    for (let depth = 0; depth < 100; depth++) expression = `named_struct('a', ${expression})`;
    const deep = spark.sql(`SELECT ${expression} AS a`);
    expect(JSON.stringify((await deep.schema()).toString()).match(/Struct/g)).to.have.length(100);
    expect((await rowsOf(deep))[0]).to.have.property("a");
  });

  it("says what may be wrong where Spark fails without a word, as with a plan that is too deep for its stack", async () => {
    let deep = people;
    for (let calls = 0; calls < 490; calls++) deep = deep.limit(2);
    const error = await deep.schema().then(
      () => undefined, // a larger stack than that of a local Spark
      (reason: unknown) => reason as SparkStreamError,
    );
    if (error) expect(error.message).to.include("failed without saying why").and.include("nested too deeply");
  });

  it("takes the numbers that the protocol carries, and their ends", async () => {
    expect(await spark.range(2 ** 53 - 3, 2n ** 53n).count()).to.equal(3);
    expect(await rowsOf(spark.range(-(2n ** 63n), -(2n ** 63n) + 1n))).to.deep.equal([{ id: -(2n ** 63n) }]);
    expect(await people.limit(2 ** 31 - 1).count()).to.equal(3);
    expect(await people.limit(0).count()).to.equal(0);
  });

  it("cannot be combined with one of another session", async () => {
    await using other = await sparkSession();
    expect(() => people.union(other.range(1))).to.throw(SparkStreamError, /different sessions/);
    expect(() => people.join(other.range(1), "id")).to.throw(SparkStreamError, /different sessions/);
  });
});
