// The fault campaign without a Spark; the part on a real one is in test/spark/faults.test.ts.
import { blackHoles } from "./black-holes.js";
import { campaign } from "./campaign.js";
import { expectClean } from "./expect-clean.js";
import { networkFaults } from "./network-faults.js";
import { scriptedFaults } from "./scripted-faults.js";
import { scriptedTarget } from "./targets.js";

describe("A campaign of faults", function () {
  this.timeout(240_000);

  it("on a scripted server and its network loses and doubles nothing, and survives what can be survived", async () => {
    const runs = 450;
    const classes = [...scriptedFaults, ...networkFaults(scriptedTarget), ...blackHoles];
    expectClean(await campaign(classes, { runs, seed: 20_261_124, atOnce: 8 }), runs);
  });
});
