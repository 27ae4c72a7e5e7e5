// Half of a UTF-16 pair became U+FFFD on its way to the server, without a word: another query, another value, another path.
import { expect } from "chai";
import { connect } from "../../lib/index.js";
import { errorOf, idBatches, scripted } from "../support/scripted.js";

const HALF = "caf\ud83d";

describe("A text that has half of a UTF-16 pair", () => {
  it("is refused in everything that goes to the server", async () => {
    await using session = await scripted({ batches: idBatches(1) });
    const { spark, server } = session;
    const frame = spark.sql("SELECT 1 AS id");
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      "SQL text": () => spark.sql(`SELECT '${HALF}'`).execute(),
      "a command": () => spark.sql(`INSERT INTO t VALUES ('${HALF}')`).execute(),
      "a parameter": () => spark.sql("SELECT :a", { a: HALF }).execute(),
      "a parameter in an array": () => spark.sql("SELECT ?", [["a", HALF]]).execute(),
      "a parameter's name": () => spark.sql("SELECT 1", { [HALF]: 1 }).execute(),
      "an expression": () => frame.select(HALF).execute(),
      "a column's name": () => frame.withColumn(HALF, "1").schema(),
      "an alias": () => frame.alias(HALF).explain(),
      "a table": () => spark.table(HALF).count(),
      "a path": () => spark.read.parquet(`/data/${HALF}`).execute(),
      "an option": () => spark.read.option("delimiter", HALF).csv("/data").execute(),
      "a view's name": () => frame.createOrReplaceTempView(HALF),
      "a setting": () => spark.conf.set("spark.key", HALF),
      "a key": () => spark.conf.get(HALF),
      "a tag": () => spark.interruptTag(HALF),
    };
    const before = server.operations.length;
    for (const [what, call] of Object.entries(calls)) {
      const error = await errorOf(Promise.resolve().then(call));
      expect(error.code, what).to.equal("INVALID_ARGUMENT");
      expect(error.message, what).to.contain("half of a UTF-16 pair").and.to.contain("\\ud83d");
    }
    expect(server.operations.length).to.equal(before);
  });

  it("is refused as the name of a user, or of an application", async () => {
    await using session = await scripted({ batches: idBatches(1) });
    const { url } = session.server;
    expect((await errorOf(connect(url, { userId: HALF }))).code).to.equal("INVALID_ARGUMENT");
    expect((await errorOf(connect(url, { userAgent: HALF }))).code).to.equal("INVALID_ARGUMENT");
  });

  it("is taken with its other half", async () => {
    await using session = await scripted({ batches: idBatches(1) });
    await session.spark.sql("SELECT :a AS `😀`", { a: "😀" }).execute();
  });
});
