// What a server lacks, and what its user sees of that; test/servers runs against the real ones.
import { expect } from "chai";
import { batchInfo, sparkStream } from "../../lib/index.js";
import { countTo, errorOf, idBatches, scripted } from "../support/scripted.js";

describe("A server that lacks something", () => {
  it('is not asked for compression: "zstd" in silence before 4.1, which would have no effect', async () => {
    await using fixture = await scripted({ batches: idBatches(3), sparkVersion: "4.0.1" });
    const stream = sparkStream(fixture.spark.sql("SELECT id FROM t"), { compression: "zstd" });
    const error = await errorOf(stream.toArray());
    expect(error.code).to.equal("UNSUPPORTED");
    expect(error.message).to.include("Spark does from 4.1 on. Leave out compression");
    expect(fixture.server.operations).to.deep.equal([]);
    expect(await sparkStream(fixture.spark.sql("SELECT id FROM t"), { compression: "none" }).toArray()).to.have.length(
      1,
    );
  });

  it("has its batches cut where they have more rows than maxRecordsPerBatch, as Sail's", async () => {
    await using fixture = await scripted({ batches: idBatches(1024, 5, 300) });
    const batches = await sparkStream(fixture.spark.sql("SELECT id FROM t"), { maxRecordsPerBatch: 400 }).toArray();
    expect(batches.map(({ numRows }) => numRows)).to.deep.equal([400, 400, 224, 5, 300]);
    expect(batches.map((batch) => batchInfo(batch)?.rowOffset)).to.deep.equal([0, 400, 800, 1024, 1029]);
    expect(batches.flatMap((batch) => Array.from(batch.getChild("id")!, Number))).to.deep.equal(countTo(1329));
  });
});
