// `await spark.sql("CREATE …")` did nothing, and said nothing: a DataFrame is not a promise, and a command runs at its first use.
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { expect } from "chai";
import { idBatches, scripted } from "../support/scripted.js";

interface Warning extends Error {
  readonly code?: string;
}

/** The warnings of this kind that the process emits while something runs, and in the turn after it. */
async function warningsOf(run: () => Promise<unknown>): Promise<string[]> {
  const found: string[] = [];
  const listener = (warning: Warning) => {
    if (warning.code === "UNUSED_COMMAND") found.push(`${warning.name}: ${warning.message}`);
  };
  process.on("warning", listener);
  try {
    await run();
    await setImmediate();
  } finally {
    process.off("warning", listener);
  }
  return found;
}

describe("A SQL command that nobody used", () => {
  it("is named by a process warning when the session closes, without what stands further on in its text", async () => {
    const { server, spark, ...scope } = await scripted({ batches: idBatches(1) });
    await spark.sql("-- a comment\n CREATE TABLE t USING jdbc OPTIONS (password 'secret')");
    spark.sql("INSERT INTO t VALUES (1)").where("true");
    const warned = once(process, "warning");
    const found = await warningsOf(() => spark.close());
    expect(found).to.deep.equal([
      'SparkStreamWarning: spark.sql("CREATE TABLE t USING …") (and 1 more) did not run: its DataFrame was never used. Call execute() on it.',
    ]);
    expect((await warned)[0].code).to.equal("UNUSED_COMMAND");
    await scope[Symbol.asyncDispose]();
  });

  // A script that ends without closing its session had lost its INSERT in silence.
  it("is named when the program ends, by one listener however many there are, which goes with the last of them", async () => {
    const { spark, ...scope } = await scripted({ batches: idBatches(1) });
    const before = process.listenerCount("beforeExit");
    const inserts = Array.from({ length: 20 }, () => spark.sql("INSERT INTO t VALUES (1)"));
    expect(process.listenerCount("beforeExit")).to.equal(before + 1);
    for (const insert of inserts.slice(1)) await insert.execute();
    const found = await warningsOf(async () => process.emit("beforeExit", 0));
    expect(found).to.have.length(1);
    expect(process.listenerCount("beforeExit")).to.equal(before);
    await scope[Symbol.asyncDispose]();
  });

  it("is no concern if it was used, or was a query", async () => {
    const found = await warningsOf(async () => {
      await using session = await scripted({ batches: idBatches(1) });
      const { spark } = session;
      await spark.sql("CREATE TABLE t (id INT)").execute();
      const insert = spark.sql("INSERT INTO t VALUES (1)");
      await insert.execute();
      for (const query of [
        "SELECT 1",
        "show tables",
        "(SELECT 1)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "",
        "-- nothing",
      ])
        spark.sql(query);
      await spark.close();
      await spark.close();
    });
    expect(found).to.deep.equal([]);
  });
});
