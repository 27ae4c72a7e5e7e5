// Consumers that are slower than a server waits, on a real one whose patience is seconds: the sleeps are what is tested.
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { type SparkSession, sparkStream } from "../../lib/index.js";
import { impatience, sparkSession } from "../support/spark.js";
import { openSpillFiles, tellsOpenFiles } from "../support/spill.js";
import { until } from "../support/until.js";

describe("A slow consumer of a real Spark that ends streams after a second and forgets them after six", function () {
  this.timeout(240_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession({ conf: impatience });
  });
  after(() => spark?.close());

  /** Checks that the ids go on from there, and that the text is that of the id. */
  function follow(batch: RecordBatch, next: number): number {
    const [ids, texts] = [batch.getChild("id")!, batch.getChild("text")!];
    for (let row = 0; row < batch.numRows; row++, next++) {
      if (Number(ids.get(row)) !== next) throw new Error(`${ids.get(row)} came where ${next} should`);
      if (row % 1_000 === 0 && texts.get(row) !== String(next).repeat(20))
        throw new Error(`row ${next} has another text`);
    }
    return next;
  }
  const query = (rows: number) => `SELECT id, repeat(CAST(id AS STRING), 20) AS text FROM range(0, ${rows}, 1, 4)`;

  it("gets every row once though it sleeps for longer than that, with a temporary file for what it had not taken", async () => {
    const rows = 600_000;
    let next = 0;
    let batches = 0;
    // A batch per partition, of some 20 MB. Some 7 MB are taken at a time, so that the third time is too much for memory.
    const options = { maxRecordsPerBatch: 150_000, readAheadBytes: 1 };
    for await (const batch of sparkStream(spark.sql(query(rows)), options)) {
      next = follow(batch, next);
      if (++batches !== 2) continue;
      if (tellsOpenFiles) await until(() => openSpillFiles().length > 0, "there is a temporary file");
      else await sleep(30_000);
    }
    expect(next).to.equal(rows);
    if (tellsOpenFiles) expect(openSpillFiles()).to.deep.equal([]);
  });

  it("gets every row once though it never stops reading, and takes longer over what is in flight", async () => {
    const rows = 50_000;
    let next = 0;
    const options = { maxRecordsPerBatch: 200, readAheadBytes: 1 };
    for await (const batch of sparkStream(spark.sql(query(rows)), options)) {
      next = follow(batch, next);
      await sleep(40);
    }
    expect(next).to.equal(rows);
  });
});
