// The share of the fault campaign whose streams are pushed, in CI.
import { campaign } from "../faults/campaign.js";
import { expectClean } from "../faults/expect-clean.js";
import { closePushFaults, pushFaults } from "../faults/push-faults.js";

describe("A campaign of faults of tasks that push", function () {
  this.timeout(600_000); // the first start installs Spark
  after(closePushFaults);

  it("loses and doubles nothing, and every result arrives", async () => {
    const classes = pushFaults.filter((_, index) => index % 3 === 0); // one of each kind; all of them take minutes
    expectClean(await campaign(classes, { runs: classes.length, seed: 20_261_124, atOnce: 1 }), classes.length);
  });
});
