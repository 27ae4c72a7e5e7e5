import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { sparkServer } from "./support/spark.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
/** Within the package, so that a block's import of the package by its name finds it. */
const work = join(root, "out", "readme");

const readme = await readFile(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
  language,
  code,
}));

describe("the README", function () {
  this.timeout(600_000);
  before(() => mkdir(work, { recursive: true }));
  after(() => rm(work, { recursive: true, force: true }));

  it("has blocks of TypeScript, and of commands that package.json or npm knows", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(new Set(blocks.map(({ language }) => language))).to.deep.equal(new Set(["sh", "ts"]));
    for (const { code } of blocks.filter(({ language }) => language === "sh")) {
      for (const command of code.trim().split(/\n|&&/)) {
        const [, name, script = name] = /^\s*npm (install|test|run (\S+))/.exec(command) ?? [];
        expect(name, command).to.be.a("string");
        if (script !== "install") expect(scripts, command).to.have.property(script!);
      }
    }
  });

  for (const [index, { code }] of blocks.filter(({ language }) => language === "ts").entries()) {
    it(`block ${index + 1} of TypeScript runs: ${code
      .split("\n")
      .find((line) => /await|for/.test(line))
      ?.trim()}`, async () => {
      const { url, token } = await sparkServer();
      const file = join(work, `block-${index}.ts`);
      await writeFile(file, code);
      await run(process.execPath, ["--import", "tsx", file], {
        cwd: work,
        env: { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` },
        timeout: 120_000,
      });
    });
  }
});
