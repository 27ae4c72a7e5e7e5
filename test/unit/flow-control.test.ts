import { expect } from "chai";
import { windowOf } from "../../lib/connect/flow-control.js";

describe("windowOf", () => {
  it("is twice what 1 Gbit/s brings in a round trip, within bounds", () => {
    expect(windowOf(100)).to.equal(25_000_000);
    for (const ms of [undefined, 0, 0.3, 4]) expect(windowOf(ms), `${ms} ms`).to.equal(1024 * 1024);
    for (const ms of [300, 5_000]) expect(windowOf(ms), `${ms} ms`).to.equal(32 * 1024 * 1024);
  });
});
