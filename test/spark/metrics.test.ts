import { once } from "node:events";
import { expect } from "chai";
import { type SparkSession, type StreamProgress, sparkStream } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";

describe("progress and metrics of a real Spark", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
  });
  after(() => spark?.close());

  it("tell the tasks while they run, and what the operators counted when they are done", async () => {
    const slow = "SELECT id, reflect('java.lang.Thread', 'sleep', 300L) AS s FROM range(0, 8, 1, 8)";
    const stream = sparkStream(spark.sql(slow));
    const events: StreamProgress[] = [];
    stream.on("progress", (progress: StreamProgress) => events.push(progress));
    await stream.toArray();
    expect(events.length).to.be.above(1);
    const last = events.at(-1)!;
    expect(last.tasks).to.equal(8);
    expect(last.completedTasks).to.be.within(1, 8);
    expect(events.map(({ completedTasks }) => completedTasks)).to.deep.equal(
      events.map(({ completedTasks }) => completedTasks).sort((a, b) => a - b),
    );
    const { rows, bytes, waitedForSourceMs, operators } = stream.metrics;
    expect([rows, bytes > 0, waitedForSourceMs > 300]).to.deep.equal([8, true, true]);
    const range = operators.find(({ name }) => name.startsWith("Range"));
    expect(range?.metrics["number of output rows"]).to.deep.equal({ value: 8, type: "sum" });
  });

  it("have what a DataFrame was told to observe, as values of its own types", async () => {
    const frame = spark
      .sql("SELECT id, CAST(id AS DECIMAL(10, 2)) AS price FROM range(1, 1001, 1, 3)")
      .observe(
        "check",
        "count(*) AS rows",
        "max(price) AS dearest",
        "min(CAST(id AS INT)) AS least",
        "min(id > 5) AS b",
      )
      .where("id > 990")
      .observe("left", "sum(id)", "max(concat('trip ', id)) AS last", "max(DATE'2026-06-30') AS day");
    const stream = sparkStream(frame);
    expect(stream.metrics.observed).to.deep.equal({});
    await stream.toArray();
    expect(stream.metrics.observed).to.deep.equal({
      check: { rows: 1000n, dearest: "1000.00", least: 1, b: false },
      left: { "sum(id)": 9955n, last: "trip 999", day: "2026-06-30" },
    });
  });

  // It was empty, and nothing said why.
  it("warn that a staged frame observes nothing", async () => {
    const warned = once(process, "warning");
    const frame = spark.range(10).observe("check", "count(*) AS rows").where("id > 5");
    const stream = sparkStream(frame, { delivery: "staged" });
    expect(await stream.toArray()).to.have.length.above(0);
    expect((await warned)[0]).to.have.property("code", "UNREAD_OBSERVATION");
    expect((await warned)[0].message).to.include('"check"');
    expect(stream.metrics.observed).to.deep.equal({});
  });
});
