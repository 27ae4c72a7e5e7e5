// Sessions that several clients have: one joins another's by its id, and leaves it. And sessions of one's own.
import { expect } from "chai";
import { connect, type SparkSession, sparkStream } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";

describe("A session that others have joined", function () {
  this.timeout(120_000);
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
  });
  after(() => spark?.close());

  async function join(options: { keepSession?: boolean }, sessionId = spark.sessionId): Promise<SparkSession> {
    const { url, token } = await sparkServer();
    return await connect(url, { token, sessionId, ...options });
  }

  it("is left as it is by a client that keeps it: its views, its settings, the queries of others", async () => {
    const guest = await join({ keepSession: true });
    await guest.range(5).createOrReplaceTempView("left_behind");
    await guest.conf.set("spark.sql.shuffle.partitions", "7");
    const host = sparkStream(spark.range(0, 40_000, 1, 400), { delivery: "result" });
    const batches = host[Symbol.asyncIterator]();
    await batches.next();
    await guest.close();
    let rows = 0;
    for await (const { numRows } of { [Symbol.asyncIterator]: () => batches }) rows += numRows;
    expect(rows).to.be.within(39_000, 40_000); // without those of the first batch
    expect(await spark.table("left_behind").count()).to.equal(5);
    expect(await spark.conf.get("spark.sql.shuffle.partitions")).to.equal("7");
    await spark.conf.unset("spark.sql.shuffle.partitions");
    expect(() => guest.range(1))
      .to.throw()
      .with.property("code", "SESSION_CLOSED");
  });

  it("has nothing that runs for a client that has left: no query, no command", async () => {
    const ui = await SparkUi.open();
    await using host = await ui.connect();
    const { url, token } = ui.server;
    for (const runs of ["a query", "a command"]) {
      const guest = await connect(url, { token, sessionId: host.sessionId, keepSession: true });
      const slow = guest.range(0, 10_000, 1, 1_000).select("id", "java_method('java.lang.Thread', 'sleep', 100L) AS t");
      const failed = errorOf(runs === "a query" ? sparkStream(slow).toArray() : slow.execute());
      await until(async () => (await ui.runningTasks()) > 0, `${runs} runs`);
      await guest.close();
      expect((await failed).code).to.equal("SESSION_CLOSED");
      await until(async () => (await ui.runningTasks()) === 0, `${runs} has stopped`);
    }
    expect(await host.range(3).count()).to.equal(3);
  });

  it("can be made by the client that leaves it", async () => {
    const { url, token } = await sparkServer();
    const first = await connect(url, { token, keepSession: true });
    const { sessionId } = first;
    await first.range(4).createOrReplaceTempView("handed_over");
    await first.close();
    await using second = await join({}, sessionId);
    expect(await second.table("handed_over").count()).to.equal(4);
  });

  it("is closed for all by a client that does not keep it, and the others are told so", async () => {
    const host = await sparkSession();
    const guest = await join({}, host.sessionId);
    expect(await guest.range(2).count()).to.equal(2);
    await guest.close();
    for (const call of [
      () => host.range(2).count(),
      () => host.conf.get("a", ""),
      () => sparkStream(host.range(2)).toArray(),
    ]) {
      const { code, message } = await errorOf(call());
      expect(code).to.equal("SESSION_LOST");
      expect(message).to.include("another client that had joined it closed it").and.to.include("Connect again");
    }
    await host.close();
  });

  it('is not to be kept by connect("local"), which ends with its Spark', async () => {
    const { code, message } = await errorOf(connect("local", { keepSession: true }));
    expect([code, message.includes("keepSession")]).to.deep.equal(["INVALID_ARGUMENT", true]);
  });
});

describe("newSession()", function () {
  this.timeout(120_000);

  it("has settings and views of its own, and lives on when the other is closed", async () => {
    const spark = await sparkSession();
    await spark.range(1).createOrReplaceTempView("mine");
    await using other = await spark.newSession();
    expect(other.sessionId).not.to.equal(spark.sessionId);
    expect(await other.catalog.tableExists("mine")).to.equal(false);
    await other.conf.set("spark.sql.shuffle.partitions", "9");
    expect(await spark.conf.get("spark.sql.shuffle.partitions")).not.to.equal("9");
    expect(() => other.range(1).union(spark.range(1))).to.throw("different sessions");
    await spark.close();
    expect(await other.range(3).count()).to.equal(3);
    expect((await errorOf(spark.newSession())).code).to.equal("SESSION_CLOSED");
  });

  it("is closed with a first one that ends its Spark", async () => {
    const spark = await connect("local[1]", { local: { driverMemory: "1g" } });
    const other = await spark.newSession();
    expect(await other.range(3).count()).to.equal(3);
    await spark.close();
    expect(() => other.range(3))
      .to.throw()
      .with.property("code", "SESSION_CLOSED");
  });
});
