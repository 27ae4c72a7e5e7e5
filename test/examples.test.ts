import { execFile } from "node:child_process";
import { mkdtemp, readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { sparkServer } from "./support/spark.js";

const run = promisify(execFile);
const directory = resolve(import.meta.dirname, "../examples");

/** What each example prints; the demo is run by CI as the README's own command. */
const outputs: Record<string, RegExp> = {
  "to-parquet.ts": /^500000 rows are in .*trips\.parquet$/m,
  "for-await.ts": /^500000 readings, mean -?0\.\d{6}$/m,
  "own-rows.ts": /schema: part Int32, value Float64[\s\S]*part: 2, value: 0.5/,
  "cancel.ts": /^stopped after \d+ rows; nothing of it runs on the server any more$/m,
};

describe("the examples", function () {
  this.timeout(600_000);

  it("are all run here", async () => {
    expect((await readdir(directory)).filter((name) => name !== "demo.ts").sort()).to.deep.equal(
      Object.keys(outputs).sort(),
    );
  });

  for (const [name, output] of Object.entries(outputs)) {
    it(`${name} runs, does what it says, and exits by itself`, async () => {
      const { url, token } = await sparkServer();
      const work = await mkdtemp(join(tmpdir(), "example-"));
      const { stdout } = await run(
        process.execPath,
        ["--import", "tsx", join(directory, name), join(work, "trips.parquet")],
        {
          cwd: resolve(directory, ".."),
          env: { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` },
          timeout: 120_000,
        },
      );
      expect(stdout).to.match(output);
      if (name === "to-parquet.ts") expect((await stat(join(work, "trips.parquet"))).size).to.be.above(100_000);
    });
  }
});
