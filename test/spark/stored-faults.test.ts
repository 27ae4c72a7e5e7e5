// The share of the fault campaign whose results go through a store, in CI.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { closeStoredFaults, storedFaults } from "../faults/stored-faults.js";

describe("A campaign of faults of results that go through a store", function () {
  this.timeout(600_000); // the first start installs Spark
  after(closeStoredFaults);

  it("loses and doubles nothing, leaves no files, and every result arrives that can", async () => {
    const runs = storedFaults.length;
    expectClean(await campaign(storedFaults, { runs, seed: 20_261_127, atOnce: 1 }), runs);
  });
});
