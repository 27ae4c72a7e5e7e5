// The share of the fault campaign whose streams go into Spark, in CI.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { closeIntoFaults, intoFaults } from "../faults/into-faults.js";

describe("A campaign of faults on the way into Spark", function () {
  this.timeout(600_000); // the first start installs Spark
  after(closeIntoFaults);

  it("has all rows in the end, or an error and no row", async () => {
    const runs = 2 * intoFaults.length;
    expectClean(await campaign(intoFaults, { runs, seed: 20_261_127, atOnce: 1 }), runs);
  });
});
