// What a server lacks, and what its user sees of that; test/servers runs against the real ones.
import { expect } from "chai";
import { batchInfo, sparkStream } from "../../lib/index.js";
import { sparkError } from "../../lib/testing/index.js";
import { countTo, errorOf, idBatches, scripted } from "../support/scripted.js";

describe("A server that lacks something", () => {
  it('is not asked for compression: "zstd" in silence before 4.1, which would have no effect', async () => {
    await using fixture = await scripted({ batches: idBatches(3), sparkVersion: "4.0.1" });
    const stream = sparkStream(fixture.spark.sql("SELECT id FROM t"), { compression: "zstd" });
    const error = await errorOf(stream.toArray());
    expect(error.code).to.equal("UNSUPPORTED");
    expect(error.message).to.include("Spark does since 4.1. Leave out compression");
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

  it("says in capabilities() what it lacks; it is asked once", async () => {
    const interrupt = () => {
      throw sparkError({ code: "UNIMPLEMENTED", message: "Method not found: Interrupt" });
    };
    await using fixture = await scripted({ batches: idBatches(1), sparkVersion: "4.0.1", respond: { interrupt } });
    const { spark, server } = fixture;
    const [found, again] = await Promise.all([spark.capabilities(), spark.capabilities()]);
    expect(found).to.include({ version: "4.0.1", compression: false, chunks: false, interrupt: false, observe: false });
    expect(again).to.equal(found);
    // Releases go on behind.
    const asked = () => server.requests.filter(({ method }) => method !== "releaseExecute").length;
    const before = asked();
    expect(await spark.capabilities()).to.equal(found);
    expect(asked()).to.equal(before);
  });

  it("that does not answer is not taken for one that lacks things: capabilities() fails, and may be called again", async () => {
    let fails = true;
    const interrupt = () => {
      if (fails) throw sparkError({ code: "UNAUTHENTICATED", message: "no" });
      return undefined;
    };
    await using fixture = await scripted({ batches: idBatches(1), respond: { interrupt } });
    expect(await errorOf(fixture.spark.capabilities())).to.have.property("code", "UNAUTHENTICATED");
    fails = false;
    expect(await fixture.spark.capabilities()).to.include({ version: "4.3.0", compression: true, interrupt: true });
  });
});
