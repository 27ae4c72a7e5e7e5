// What a newcomer does in the first hour, as they would write it.

import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, get as httpGet, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { expect } from "chai";
import { csvLines, csvWriter, parquetWriter, type SparkSession, sparkStream } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";

interface Trip {
  readonly id: bigint;
  readonly city: string;
}

describe("A newcomer", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  let dir: string;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    dir = await mkdtemp(join(tmpdir(), "newcomer-"));
    await spark
      .sql(`SELECT id, element_at(array('Rome', 'Oslo'), CAST(id % 2 AS INT) + 1) AS city,
        date_add(DATE '2026-11-01', CAST(id % 3 AS INT)) AS day FROM range(0, 30, 1, 4)`)
      .createOrReplaceTempView("trips");
  });
  after(async () => {
    await spark?.execute("DROP TABLE IF EXISTS visited");
    await spark?.close();
    if (dir) await rm(dir, { recursive: true });
  });

  it("asks for one value, the first row, typed rows", async () => {
    const total = await spark.sql("SELECT count(*) AS total FROM trips").first<{ total: bigint }>();
    expect(total?.total).to.equal(30n);
    const first = await spark.table("trips").orderBy("id").first<Trip>();
    expect(first?.city.toUpperCase()).to.equal("ROME");
    const trips: Trip[] = await spark.table("trips").collect<Trip>();
    expect(trips).to.have.length(30);
  });

  it("answers a request with the JSON of a count", async () => {
    const server = createServer(async (_request, response) => {
      const rows = await spark
        .sql("SELECT city, count(*) AS trips FROM trips GROUP BY city ORDER BY city")
        .collect({ json: true });
      response.setHeader("content-type", "application/json").end(JSON.stringify(rows));
    });
    const response = await fetch(await originOf(server));
    expect(await response.json()).to.deep.equal([
      { city: "Oslo", trips: 15 },
      { city: "Rome", trips: 15 },
    ]);
    server.close();
  });

  it("filters by what a user typed, and inserts", async () => {
    const city = "Rome' OR '1'='1";
    expect(await spark.table("trips").where("city = :city", { city }).count()).to.equal(0);
    await spark.execute("CREATE TABLE visited (city STRING) USING parquet");
    await spark.execute("INSERT INTO visited VALUES (:city)", { city });
    expect(await spark.table("visited").first()).to.deep.equal({ city });
  });

  it("writes one Parquet file per day, as Spark itself names the folders", async () => {
    await pipeline(
      sparkStream(spark.table("trips")),
      parquetWriter(join(dir, "ours"), { partitionBy: ["day", "city"] }),
    );
    await spark.table("trips").write.partitionBy("day", "city").parquet(join(dir, "sparks"));
    const folders = async (root: string) =>
      (await readdir(root, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name).slice(root.length))
        .sort();
    expect(await folders(join(dir, "ours"))).to.deep.equal(await folders(join(dir, "sparks")));
    expect(await folders(join(dir, "ours"))).to.have.length(9);
    const read = spark.read.parquet(join(dir, "ours"));
    expect((await read.dtypes()).map(([name, type]) => `${name} ${type}`)).to.deep.equal([
      "id bigint",
      "day date",
      "city string",
    ]);
    const rows = (frame: typeof read) => frame.select("id", "city", "day").orderBy("id").collect();
    expect(await rows(read)).to.deep.equal(await rows(spark.table("trips")));
  });

  it("writes values that no folder may be named by, as Spark names them", async () => {
    const odd = spark.sql(
      String.raw`SELECT id, v FROM VALUES (1, 'a/b'), (2, ''), (3, NULL), (4, 'c=d:e%#'), (5, 'f"\'*?[]{}^g'), (6, ' h\t'), (7, 'é日') AS t(id, v)`,
    );
    await pipeline(sparkStream(odd), csvWriter(join(dir, "odd"), { partitionBy: ["v"] }));
    await odd.write.partitionBy("v").option("header", true).csv(join(dir, "sparks-odd"));
    const names = async (name: string) =>
      (await readdir(join(dir, name))).filter((entry) => entry.includes("=")).sort();
    expect(await names("odd")).to.deep.equal(await names("sparks-odd"));
    expect(await names("odd")).to.have.length(6);
    const back = await spark.read.option("header", true).csv(join(dir, "odd")).orderBy("id").collect<{ v: string }>();
    expect(back.map(({ v }) => v)).to.deep.equal(["a/b", null, null, "c=d:e%#", `f"'*?[]{}^g`, " h\t", "é日"]);
  });

  it("sends CSV, zipped, to a client who leaves, and the job stops", async () => {
    const ui = await SparkUi.open();
    await using own = await ui.connect();
    for (const send of ["csvLines", "csvWriter"]) {
      let failure: Error | undefined;
      const server = createServer(async (_request, response) => {
        const stream = sparkStream(own.sql("SELECT id, uuid() AS token FROM range(0, 1000000000, 1, 1000)"));
        response.setHeader("content-encoding", "gzip");
        const sent =
          send === "csvLines"
            ? pipeline(stream, csvLines(), createGzip(), response)
            : pipeline(stream, csvWriter(response, { compression: "gzip" }));
        await sent.catch((error: Error) => {
          failure = error;
        });
      });
      const request = httpGet(await originOf(server));
      const [response] = await once(request, "response");
      await once(response, "data");
      expect(await ui.runningTasks()).to.be.above(0);
      response.destroy();
      await until(() => failure !== undefined, "the server sees it");
      await until(async () => (await ui.runningTasks()) === 0, "the job has stopped");
      server.close();
    }
  });

  async function originOf(server: Server): Promise<string> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
});
