import { Readable } from "node:stream";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { type DataFrame, type InputRow, ipcRows, type SparkSession, sparkStream } from "../../lib/index.js";
import { barePython } from "../support/bare-python.js";
import { errorOf } from "../support/scripted.js";
import { SparkUi } from "../support/spark-ui.js";

/** The rows of a frame, as any client would hand them out. */
async function* rowsOf(frame: DataFrame, options = {}): AsyncGenerator<InputRow> {
  for await (const batch of sparkStream(frame, options)) {
    for (const { arrow_ipc_bytes } of batch) yield { arrow_ipc_bytes };
  }
}

describe("ipcRows() on a real Spark", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  let ui: SparkUi;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open();
    spark = await ui.connect();
  });
  after(() => spark?.close());

  it("makes a row of each record batch of each partition, without a Python here", async () => {
    const frame = ipcRows(spark.range(0, 5000, 1, 2));
    expect((await frame.schema()).fields.map(({ name, type }) => `${name} ${type}`)).to.deep.equal([
      "arrow_ipc_bytes Binary",
    ]);
    const sizes = [];
    const ids: number[] = [];
    for await (const batch of sparkStream(rowsOf(frame, { maxRecordsPerBatch: 1000 }))) {
      sizes.push(batch.numRows);
      ids.push(...Array.from(batch.getChildAt(0)!.toArray() as BigInt64Array, Number));
    }
    expect(sizes).to.deep.equal([1000, 1000, 500, 1000, 1000, 500]);
    expect(ids).to.deep.equal(Array.from({ length: 5000 }, (_, id) => id));
  });

  it("has all columns in its rows, whatever query stands on it", async () => {
    const frame = ipcRows(spark.range(0, 500, 1, 2).select("id", "id AS `a.b`", "id AS `c d`", "id AS `e``f`"));
    const whole = (await frame.collect<InputRow>()).map(({ arrow_ipc_bytes: bytes }) => ({ bytes: bytes.length }));
    expect(await frame.select("length(arrow_ipc_bytes) AS bytes").collect()).to.deep.equal(whole);
    expect(await frame.agg("sum(length(arrow_ipc_bytes)) AS bytes").first({ json: true })).to.deep.equal({
      bytes: whole.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  });

  it("gives the rows that sparkStream() gives, whatever their types, by any kind of stream", async () => {
    const frame = spark.sql(`SELECT id, IF(id % 2 = 0, NULL, 'é') AS s, array(id, NULL) AS l, map('k', id) AS m,
      named_struct('x', id) AS st, 1.5BD AS d, TIMESTAMP'2024-01-01 00:00:00' AS t, X'00ff' AS b FROM range(0, 10, 1, 2)`);
    const shown = async (stream: AsyncIterable<RecordBatch>) => {
      const rows: string[] = [];
      for await (const batch of stream) for (const row of batch) rows.push(`${row}`);
      return rows;
    };
    const expected = await shown(sparkStream(frame));
    const inputs = {
      iterable: rowsOf(ipcRows(frame)),
      readable: Readable.from(rowsOf(ipcRows(frame))),
      web: Readable.toWeb(Readable.from(rowsOf(ipcRows(frame)))),
    };
    for (const [kind, input] of Object.entries(inputs)) {
      expect(await shown(sparkStream(input)), kind).to.deep.equal(expected);
    }
  });

  it("can be staged, too", async () => {
    let rows = 0;
    const staged = rowsOf(ipcRows(spark.range(0, 1000, 1, 4)), { delivery: "staged" });
    for await (const batch of sparkStream(staged)) rows += batch.numRows;
    expect(rows).to.equal(1000);
  });

  const missing: Record<string, [python: string, text: string]> = {
    "there is no Python": ["/nonexistent/python3", "there is no Python that Spark can start"],
    "their Python has no pyarrow": ["bare", "their Python has no pyarrow"],
  };
  for (const [what, [python, text]] of Object.entries(missing)) {
    it(`says that ${what} on the workers`, async () => {
      await using session = await ui.connect();
      await session.conf.set("spark.sql.execution.pyspark.python", python === "bare" ? await barePython() : python);
      const error = await errorOf(sparkStream(ipcRows(session.range(1))).toArray());
      expect(error).to.include({ code: "UNSUPPORTED" });
      expect(error.message).to.include(text);
    });
  }
});
