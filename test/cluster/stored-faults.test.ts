// The share of the fault campaign whose results go through a store, on a cluster.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { closeStoredClusterFaults, storedClusterFaults } from "../faults/stored-cluster-faults.js";
import { notInCheck } from "../support/check.js";

describe("A campaign of faults of executors that write into a store", function () {
  this.timeout(900_000); // the first start installs Spark
  before(function () {
    notInCheck("it needs a Spark", this);
  });
  after(closeStoredClusterFaults);

  it("loses and doubles nothing, leaves no files, and every result arrives", async () => {
    const runs = 2 * storedClusterFaults.length;
    expectClean(await campaign(storedClusterFaults, { runs, seed: 20_261_127, atOnce: 1 }), runs);
  });
});
