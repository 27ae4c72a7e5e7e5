// A share of `npm run test:servers`: what is different on older Sparks, and on Sail.
import { impatience } from "../support/spark.js";
import { matrix } from "./matrix.js";
import { outcomeOf } from "./run-matrix.js";
import { type RunningServer, type ServerName, servers } from "./spark-servers.js";

/** What the server lacks; an error says so, and what to use instead. */
const lacking: Partial<Record<ServerName, readonly string[]>> = {
  "3.5": ["delivery staged", 'compression: "zstd"'],
  "4.0": ['compression: "zstd"'],
  sail: ["delivery staged", "delivery push", 'sparkWriter, "pull"', 'compression: "zstd"', "observe"],
};

for (const [name, missing] of Object.entries(lacking) as [ServerName, readonly string[]][]) {
  const kind = servers[name];
  describe(`On ${kind.title},`, function () {
    this.timeout(180_000);
    let server: RunningServer;
    before(async function () {
      this.timeout(900_000); // the first start installs it
      server = await kind.start(impatience);
    });
    after(() => server?.[Symbol.asyncDispose]());

    for (const check of matrix.filter(({ inCi }) => inCi)) {
      const lacks = missing.includes(check.title);
      it(`${check.title}: ${lacks ? "an error says what to use instead" : "works"}`, async () => {
        const outcome = await outcomeOf(check, server);
        if (outcome.kind === "fails") throw outcome.error;
        if ((outcome.kind === "says") !== lacks) {
          throw new Error(outcome.kind === "says" ? outcome.message : "It works now: take it from the list.");
        }
      });
    }
  });
}
