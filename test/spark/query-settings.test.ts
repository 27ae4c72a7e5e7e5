// What a query with settings of its own does to the session that it is of, which is nothing.
import { expect } from "chai";
import { batchInfo, connect, type SparkSession, type SparkStreamOptions, sparkStream } from "../../lib/index.js";
import { errorOf, idsOf } from "../support/scripted.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";

const ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch";
const CODEC = "spark.sql.execution.arrow.compression.codec";

/** Spends its time in the optimizer, on the driver, until it is interrupted: rows of the plan are computed there. */
const PLANNED_FOREVER = "SELECT java_method('java.lang.Thread', 'sleep', 3600000L) AS id FROM VALUES (1)";

describe("A query with settings of its own, on a real Spark,", function () {
  this.timeout(180_000);
  let ui: SparkUi;
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open();
  });
  beforeEach(async () => {
    spark = await ui.connect();
  });
  afterEach(async () => {
    await spark.close();
    await until(async () => (await ui.sessions()) === 0, "no session is left");
  });

  /** Waits until the test's own session is the only one. */
  async function expectNoClones(): Promise<void> {
    await until(async () => (await ui.sessions()) === 1, "the test's own session is the only one", 20_000);
  }

  async function sizesOf(frame: Parameters<typeof sparkStream>[0], options: SparkStreamOptions): Promise<number[]> {
    const sizes: number[] = [];
    for await (const batch of sparkStream(frame, options)) sizes.push(batch.numRows);
    return sizes;
  }

  for (const delivery of ["result", "staged"] as const) {
    it(`has batches of as many rows as were asked for, and leaves no session (${delivery})`, async () => {
      const frame = spark.range(0, 1000, 1, 2);
      const sizes = await sizesOf(frame, { delivery, maxRecordsPerBatch: 100, compression: "zstd" });
      expect(sizes).to.deep.equal(Array(10).fill(100));
      await expectNoClones();
      if (delivery === "staged") await ui.expectNothingStaged();
    });
  }

  // A frame that is staged with a codec is not packed, so that no Python runs.
  for (const settings of [{ delivery: "push", compression: "zstd" }, { delivery: "staged" }] as const) {
    it(`leaves a clone in which Python ran to the next query with the same settings, until the session ends (${settings.delivery})`, async () => {
      for (let count = 0; count < 2; count++) {
        const sizes = await sizesOf(spark.range(0, 1000, 1, 2), { ...settings, maxRecordsPerBatch: 100 });
        expect(sizes).to.deep.equal(Array(10).fill(100));
        expect(await ui.sessions()).to.equal(2);
      }
    });
  }

  it("lets others run while it is planned, changes nothing of the session at any moment, and is found by its tag", async () => {
    const values: string[] = [];
    const observe = async () => {
      values.push(await spark.conf.get(ROWS), await spark.conf.get(CODEC, "none"));
    };
    await observe();
    const planned = sparkStream(spark.sql(PLANNED_FOREVER), {
      maxRecordsPerBatch: 7,
      compression: "zstd",
      tags: ["slow"],
    });
    const failed = errorOf(planned.toArray());
    let isOver = false;
    void failed.then(() => {
      isOver = true;
    });
    // It runs as soon as its clone is there.
    for (let sessions = 0; sessions < 2; sessions = await ui.sessions()) await observe();

    const others = [{}, { maxRecordsPerBatch: 3 }, { compression: "zstd" }, { maxRecordsPerBatch: 7 }] as const;
    for (const options of others) {
      expect((await idsOf(sparkStream(spark.range(10), options))).ids).to.have.length(10);
      await observe();
    }
    expect(await spark.range(10).count()).to.equal(10);
    expect(new Set(values)).to.deep.equal(new Set(["10000", "none"]));
    expect(isOver).to.equal(false);

    let found: string[] = [];
    while (found.length === 0) found = await spark.interruptTag("slow");
    expect((await failed).code).to.equal("OPERATION_CANCELED");
    await expectNoClones();
  });

  it("sees the session's views, functions and settings", async () => {
    await spark
      .sql("CREATE OR REPLACE TEMPORARY VIEW letters AS SELECT * FROM VALUES (1, 'a'), (2, 'b') t(id, letter)")
      .execute();
    await spark.sql("CREATE OR REPLACE TEMPORARY FUNCTION next_id(x INT) RETURNS INT RETURN x + 1").execute();
    await spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo");
    const frame = spark.sql("SELECT next_id(id) AS id, current_timezone() AS zone FROM letters ORDER BY id");
    for (const delivery of ["result", "staged"] as const) {
      const rows: unknown[] = [];
      for await (const batch of sparkStream(frame, { delivery, maxRecordsPerBatch: 1 })) {
        for (const { id, zone } of batch) rows.push([id, zone]);
      }
      expect(rows).to.deep.equal([
        [2, "Asia/Tokyo"],
        [3, "Asia/Tokyo"],
      ]);
    }
    await spark.range(1).createOrReplaceTempView("letters");
    expect(await sizesOf(spark.table("letters"), { maxRecordsPerBatch: 1 })).to.deep.equal([1]);
    await spark.conf.unset("spark.sql.session.timeZone");
  });

  it("may use the session's variables, which a clone lacks", async () => {
    await spark.sql("DECLARE OR REPLACE VARIABLE answer INT DEFAULT 42").execute();
    for (const delivery of ["result", "staged"] as const) {
      const options = { delivery, maxRecordsPerBatch: 4 } as const;
      const sizes = await sizesOf(spark.sql("SELECT answer FROM range(0, 8, 1, 1)"), options);
      expect(sizes).to.deep.equal([4, 4]);
    }
    await spark.sql("DECLARE OR REPLACE VARIABLE source STRING DEFAULT 'eight'").execute();
    await spark.range(0, 8, 1, 1).createOrReplaceTempView("eight");
    expect(await sizesOf(spark.sql("SELECT * FROM IDENTIFIER(source)"), { maxRecordsPerBatch: 4 })).to.deep.equal([
      4, 4,
    ]);
    expect(await spark.conf.get(ROWS)).to.equal("10000");
    const error = await errorOf(sparkStream(spark.sql("SELECT question"), { maxRecordsPerBatch: 4 }).toArray());
    expect(error.errorClass).to.match(/^UNRESOLVED_COLUMN/);
    await expectNoClones();
  });

  it("gives what was staged window by window, all of it from one clone", async () => {
    const frame = spark.range(0, 4000, 1, 12);
    const options = { delivery: "staged", staged: { windowBytes: 1 }, maxRecordsPerBatch: 100 } as const;
    const partitions = new Set<number | undefined>();
    const sessions = new Set<number>();
    let rows = 0;
    for await (const batch of sparkStream(frame, options)) {
      partitions.add(batchInfo(batch)?.partition);
      rows += batch.numRows;
      sessions.add(await ui.sessions());
    }
    expect([rows, partitions.size]).to.deep.equal([4000, 12]);
    expect([...sessions], "the session and one clone").to.deep.equal([2]);
    await ui.expectNothingStaged();
  });

  it("leaves no session when its stream is destroyed, whatever its delivery", async () => {
    for (const delivery of ["result", "staged", "push"] as const) {
      const frame = spark.range(0, 100_000, 1, 20);
      const stream = sparkStream(frame, { delivery, maxRecordsPerBatch: 100, readAheadBytes: 1 });
      await stream.iterator({ destroyOnReturn: false }).next();
      expect(await ui.sessions()).to.equal(2);
      stream.destroy();
      await expectNoClones();
    }
    await ui.expectNothingStaged();
  });

  it("ends with its session", async () => {
    const { url, token } = ui.server;
    const own = await connect(url, { token });
    const stream = sparkStream(own.range(0, 100_000, 1, 20), { maxRecordsPerBatch: 100, readAheadBytes: 1 });
    stream.on("error", () => {});
    await stream.iterator({ destroyOnReturn: false }).next();
    expect(await ui.sessions()).to.equal(3);
    await own.close();
    await expectNoClones();
  });

  it("counts whatever the session's codec is, and with metrics of the query's own", async () => {
    await spark.conf.set(CODEC, "zstd");
    const frames = [
      spark.range(0, 5000, 1, 3),
      spark.range(0),
      spark.range(10).limit(0),
      spark.sql("SELECT * FROM VALUES (1), (2)"),
      spark.range(5).observe("rows", "count(1) AS rows"),
      spark.sql("SELECT 1 AS a, 2 AS a"),
    ];
    const counts = [];
    for (const frame of frames) counts.push(await frame.count());
    expect(counts).to.deep.equal([5000, 0, 0, 2, 5, 1]);
    await spark.conf.unset(CODEC);
    await expectNoClones();
  });

  it("leaves a session that it joined with the settings that it had", async () => {
    const { url, token } = ui.server;
    const interval = "spark.connect.progress.reportInterval";
    await spark.conf.set(interval, "7s");
    const joined = await connect(url, { token, sessionId: spark.sessionId });
    const sizes = await sizesOf(joined.range(0, 10, 1, 1), { maxRecordsPerBatch: 5 });
    expect(sizes).to.deep.equal([5, 5]);
    expect(await spark.conf.get(interval)).to.equal("7s");
    expect(await spark.conf.get(ROWS)).to.equal("10000");
    await joined.close(); // ends the session
  });
});
