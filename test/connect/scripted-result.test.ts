import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { sparkStream } from "../../lib/index.js";
import { scripted } from "../support/scripted.js";

describe("the result of a scripted server", () => {
  // tableFromArrays() makes dictionaries of text, and Spark never sends one.
  it("may be a table with dictionaries: their values are sent", async () => {
    await using fixture = await scripted({ batches: tableFromArrays({ city: ["Graz", "Linz", "Graz"] }) });
    const [batch] = await sparkStream(fixture.spark.table("t")).toArray();
    expect(String(batch.schema)).to.include("Utf8").and.not.to.include("Dictionary");
    expect([...batch.getChild("city")]).to.deep.equal(["Graz", "Linz", "Graz"]);
  });
});
