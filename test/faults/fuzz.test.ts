import { expect } from "chai";
import { fuzz, fuzzTable } from "./fuzz.js";

describe("Broken bytes of a server", function () {
  this.timeout(600_000); // the first run of all installs pyarrow

  it("are a clear error or a valid result, at once and in little memory: 5,000 inputs", async () => {
    const { rows, problems } = await fuzz({ inputs: 5_000, seed: 20_261_124 });
    expect(problems, fuzzTable(rows)).to.deep.equal([]);
    for (const { target, valid, errors } of rows) {
      // Else what is tried would be too broken, or not broken at all.
      if (target !== "error trailer and details") expect(valid, target).to.be.above(20);
      expect(Object.keys(errors), target).not.to.be.empty;
    }
    expect(rows[0]!.errors).to.include.all.keys("INVALID_IPC", "UNSUPPORTED");
  });
});
