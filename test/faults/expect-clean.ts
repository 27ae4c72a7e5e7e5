import { expect } from "chai";
import { type CampaignResult, faultTable, sum } from "./campaign.js";

/** Nothing lost, doubled or hung; and what should be survived was: "it always says that it failed" would not do. */
export function expectClean({ rows, problems }: CampaignResult, runs: number): void {
  expect(problems, faultTable(rows)).to.deep.equal([]);
  expect([sum(rows, "lost"), sum(rows, "doubled"), sum(rows, "hung")]).to.deep.equal([0, 0, 0]);
  expect(sum(rows, "exact") + sum(rows, "failed")).to.equal(runs);
}
