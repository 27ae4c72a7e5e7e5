import { expect } from "chai";
import { type CampaignResult, faultTable, sum } from "./campaign.js";

/** Nothing lost, doubled, hung or left over; and what should be survived was: "it always says that it failed" would not do. */
export function expectClean({ rows, problems }: CampaignResult, runs: number): void {
  expect(problems, faultTable(rows)).to.deep.equal([]);
  expect((["lost", "doubled", "hung", "left"] as const).map((column) => sum(rows, column))).to.deep.equal([0, 0, 0, 0]);
  expect(sum(rows, "exact") + sum(rows, "failed")).to.equal(runs);
}
