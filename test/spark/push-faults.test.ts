// The share of the fault campaign whose streams are pushed, in CI.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { closePushFaults, pushFaults } from "../faults/push-faults.js";

describe("A campaign of faults of tasks that push", function () {
  this.timeout(600_000); // the first start installs Spark
  after(closePushFaults);

  it("loses and doubles nothing, and every result arrives", async () => {
    const runs = pushFaults.length;
    expectClean(await campaign(pushFaults, { runs, seed: 20_261_124, atOnce: 1 }), runs);
  });
});
