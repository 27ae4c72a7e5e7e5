import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { build } from "../../bench/build.js";
import { type GuardRatios, guardRatios, runGuard } from "../../bench/guard.js";
import type { Result } from "../../bench/measure.js";
import type { Outcome } from "../../bench/parts/part.js";

/** What a ratio may lose before it is more than noise, and how often a worse one is measured again. */
const SLACK = 1 / 3;
const ATTEMPTS = 3;

describe("sparkStream() beside a bare drain, and the text writers beside JSON.stringify()", function () {
  this.timeout(300_000);

  it("have lost less than a third of what bench/results/guard.json says, in speed and in CPU time", async () => {
    const file = new URL("../../bench/results/guard.json", import.meta.url);
    const { outcomes } = JSON.parse(await readFile(file, "utf8")) as { outcomes: readonly Outcome[] };
    const committed = guardRatios(outcomes[0]!.results);
    const kept = (now: Record<string, GuardRatios>) =>
      Math.min(
        ...Object.entries(committed).flatMap(([name, { speed, cpu }]) => [
          now[name]!.speed / speed,
          now[name]!.cpu / cpu,
        ]),
      );

    build();
    const results: Result[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      results.push(...(await runGuard(2)).results);
      if (kept(guardRatios(results)) > 1 - SLACK) break;
    }
    expect(kept(guardRatios(results)), JSON.stringify({ committed, now: guardRatios(results) })).to.be.above(1 - SLACK);
  });
});
