// The share of the fault campaign that runs on a real server, in CI.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { networkFaults } from "../faults/network-faults.js";
import { sparkTargets } from "../faults/targets.js";
import { impatientSpark } from "../support/spark.js";

describe("A campaign of faults of the network before a real Spark", function () {
  this.timeout(600_000); // the first start installs Spark
  before(impatientSpark);

  it("loses and doubles nothing, and every result arrives", async () => {
    const runs = 54;
    const classes = sparkTargets.flatMap(networkFaults);
    expectClean(await campaign(classes, { runs, seed: 20_261_124, atOnce: 4 }), runs);
  });
});
