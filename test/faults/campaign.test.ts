// The fault campaign without a Spark; the part on a real one is in test/spark/faults.test.ts.
import { expect } from "chai";
import { blackHoles } from "./black-holes.js";
import { campaign, faultTable, skipped } from "./campaign.js";
import { expectClean } from "./expect-clean.js";
import type { FaultClass } from "./fault-class.js";
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

  // A Spark whose workers had no pyarrow ended the whole campaign, without its table.
  it("has its table, and a problem, where a class cannot be tried or its run throws", async () => {
    const broken: FaultClass = {
      name: "broken",
      expected: "exact",
      run: () => Promise.reject(new Error("no such thing")),
    };
    const fine: FaultClass = { name: "fine", expected: "exact", run: async () => ({ outcome: "exact" }) };
    const { rows, problems } = await campaign([broken, fine], { runs: 4, seed: 1, atOnce: 2 });
    expect(rows.map(({ runs, exact, lost }) => [runs, exact, lost])).to.deep.equal([
      [2, 0, 2],
      [2, 2, 0],
    ]);
    expect(problems).to.have.length(2);
    expect(problems[0]).to.include("broken").and.include("no such thing");

    const without = skipped([fine], "There is no pyarrow.");
    expect(faultTable(without.rows)).to.match(/fine \(skipped\) +0/);
    expect(without.problems).to.deep.equal(["Classes that were skipped: 1. There is no pyarrow."]);
  });
});
