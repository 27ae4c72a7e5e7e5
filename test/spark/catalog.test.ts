// What there is to query, names that need quotes, and where a DataFrame is written: tables, files, buckets.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { col, type SparkSession } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";

describe("The catalog", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  let dir: string;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    dir = await mkdtemp(join(tmpdir(), "catalog-"));
    await spark.execute(`CREATE DATABASE sales LOCATION '${dir}/sales'`);
    await spark.execute(
      "CREATE TABLE sales.trips (id BIGINT NOT NULL, `unit price` DECIMAL(10, 2) COMMENT 'euro', day DATE) USING parquet PARTITIONED BY (day)",
    );
    await spark.range(3).createOrReplaceTempView("few");
  });
  after(async () => {
    await spark?.execute("DROP DATABASE IF EXISTS sales CASCADE");
    await spark?.close();
    if (dir) await rm(dir, { recursive: true });
  });

  it("lists databases and tables, all or by a pattern", async () => {
    const { catalog } = spark;
    expect((await catalog.listDatabases()).map(({ name }) => name)).to.include.members(["default", "sales"]);
    expect((await catalog.listDatabases({ pattern: "sal*" })).map(({ name }) => name)).to.deep.equal(["sales"]);
    expect(await catalog.listTables("sales")).to.deep.equal([
      {
        name: "trips",
        catalog: "spark_catalog",
        namespace: ["sales"],
        description: null,
        tableType: "MANAGED",
        isTemporary: false,
      },
      { name: "few", catalog: null, namespace: [], description: null, tableType: "TEMPORARY", isTemporary: true },
    ]);
    expect(await catalog.listTables("sales", { pattern: "nothing" })).to.deep.equal([]);
    const columns = await catalog.listColumns("sales.trips");
    expect(columns.map(({ name, dataType }) => [name, dataType])).to.deep.equal([
      ["id", "bigint"],
      ["unit price", "decimal(10,2)"],
      ["day", "date"],
    ]);
    expect(columns[1]).to.include({ description: "euro", nullable: true, isPartition: false, isBucket: false });
    expect(columns[2]).to.include({ isPartition: true });
  });

  it("tells what exists", async () => {
    const { catalog } = spark;
    const names = ["sales.trips", "few", "sales.none"];
    expect(await Promise.all(names.map((name) => catalog.tableExists(name)))).to.deep.equal([true, true, false]);
    expect([await catalog.databaseExists("sales"), await catalog.databaseExists("none")]).to.deep.equal([true, false]);
    expect((await errorOf(catalog.listColumns("sales.none"))).errorClass).to.equal("TABLE_OR_VIEW_NOT_FOUND");
  });

  it("has a current database and catalog, which are the session's", async () => {
    await using other = await spark.newSession();
    await other.catalog.setCurrentDatabase("sales");
    expect(await other.catalog.currentDatabase()).to.equal("sales");
    expect(await spark.catalog.currentDatabase()).to.equal("default");
    expect(await other.table("trips").count()).to.equal(0);
    expect(await other.catalog.currentCatalog()).to.equal("spark_catalog");
    await other.catalog.setCurrentCatalog("spark_catalog");
    expect((await other.catalog.listCatalogs()).map(({ name }) => name)).to.deep.equal(["spark_catalog"]);
    expect((await errorOf(other.catalog.setCurrentDatabase("none"))).errorClass).to.equal("SCHEMA_NOT_FOUND");
  });

  it("drops a view, and keeps and forgets rows", async () => {
    const { catalog } = spark;
    await spark.range(2).createOrReplaceTempView("pair");
    await catalog.cacheTable("pair");
    expect(await catalog.isCached("pair")).to.equal(true);
    await catalog.uncacheTable("pair");
    expect(await catalog.isCached("pair")).to.equal(false);
    await catalog.cacheTable("pair");
    await catalog.clearCache();
    expect(await catalog.isCached("pair")).to.equal(false);
    await catalog.refreshTable("sales.trips");
    await catalog.dropTempView("pair");
    await catalog.dropTempView("pair");
    expect(await catalog.tableExists("pair")).to.equal(false);
  });

  it("names the types of a frame's columns as CREATE TABLE takes them", async () => {
    const types = {
      a: "void",
      b: "tinyint",
      c: "smallint",
      d: "decimal(38,18)",
      e: "array<map<string,struct<x:int,`a b`:timestamp_ntz>>>",
      f: "interval day to second",
      g: "interval month",
      h: "timestamp",
      i: "varchar(7)",
      j: "char(2)",
      k: "binary",
    };
    const columns = Object.entries(types).filter(([, type]) => !/char|void/.test(type));
    const frame = spark.sql(`SELECT NULL AS a, ${columns.map(([name, type]) => `CAST(NULL AS ${type}) AS ${name}`)}`);
    expect(await frame.dtypes()).to.deep.equal([["a", "void"], ...columns]);
    const kept = Object.entries(types).filter(([, type]) => !/void|interval/.test(type));
    await spark.execute(`CREATE TABLE sales.typed (${kept.map(([name, type]) => `${name} ${type}`)}) USING parquet`);
    const read = await spark.table("sales.typed").dtypes();
    // Spark reads CHAR and VARCHAR as strings.
    expect(read).to.deep.equal(kept.map(([name, type]) => [name, /char/.test(type) ? "string" : type]));
  });

  it("quotes a name for an expression, and an unknown column is Spark's error", async () => {
    const frame = spark.sql("SELECT 1 AS `unit price`, named_struct('zip code', 5) AS address, 2 AS `tick``s`");
    const named = frame.select(col("unit price"), `${col("address", "zip code")} AS zip`, col("tick`s"));
    expect(await named.where(`${col("unit price")} = :p`, { p: 1 }).first()).to.deep.equal({
      "unit price": 1,
      zip: 5,
      "tick`s": 2,
    });
    const error = await errorOf(frame.select(col("unit prise")).collect());
    expect([error.code, error.errorClass]).to.deep.equal(["QUERY_FAILED", "UNRESOLVED_COLUMN.WITH_SUGGESTION"]);
    expect(error.message).to.include("`unit price`");
    expect(() => col(""))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
  });

  it("gets tables by name and by position, in buckets, and files in each format", async () => {
    const frame = spark.sql("SELECT id, id * 2 AS twice FROM range(0, 4)");
    await frame.write.bucketBy(2, "id").sortBy("twice").saveAsTable("sales.doubled");
    expect((await spark.catalog.listColumns("sales.doubled"))[0]).to.include({ isBucket: true });
    await frame.select("twice AS x", "id AS y").write.insertInto("sales.doubled");
    expect(await spark.table("sales.doubled").agg("sum(id)", "count(*)").first({ json: true })).to.deep.equal({
      "sum(id)": 18,
      "count(1)": 8,
    });
    await frame.write.mode("overwrite").insertInto("sales.doubled");
    expect(await spark.table("sales.doubled").count()).to.equal(4);
    expect((await errorOf(frame.write.insertInto("sales.none"))).errorClass).to.equal("TABLE_OR_VIEW_NOT_FOUND");

    for (const format of ["parquet", "csv", "json", "orc"] as const) {
      const path = join(dir, format);
      await frame.write.options({ compression: format === "orc" ? "zlib" : "gzip", header: true })[format](path);
      expect((await readdir(path)).some((name) => name.includes(`.${format}`))).to.equal(true);
      const reader = spark.read.options({ header: true, inferSchema: true });
      expect(await reader[format](path).agg("sum(twice) AS sum").first({ json: true })).to.deep.equal({ sum: 12 });
      for (const mode of ["error", "errorIfExists", "errorifexists", "default"] as const) {
        const error = await errorOf(frame.write.mode(mode)[format](path));
        expect(error.errorClass, mode).to.equal("PATH_ALREADY_EXISTS");
      }
    }
  });
});
