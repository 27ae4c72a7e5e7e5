import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { errorCodes } from "../lib/index.js";
import { sparkServer } from "./support/spark.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
/** Within the package, so that a block's import of the package by its name finds it. */
const work = join(root, "out", "docs");

const pages = ["README.md", ...(await readdir(join(root, "docs"))).map((name) => `docs/${name}`)]
  .filter((path) => path.endsWith(".md"))
  .sort();

async function blocksOf(page: string): Promise<{ language: string; code: string }[]> {
  const text = await readFile(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({ language, code }));
}

const documents = await Promise.all(pages.map(async (page) => ({ page, blocks: await blocksOf(page) })));

for (const { page, blocks } of documents) {
  describe(page, function () {
    this.timeout(600_000);
    before(() => mkdir(work, { recursive: true }));
    after(() => rm(work, { recursive: true, force: true }));

    it("has blocks of code, commands that package.json or npm knows, and what is printed", async () => {
      const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
      expect(["sh", "ts", "js", "text", "yaml", "nginx", "javascript", "dockerfile", "json"]).to.include.members(
        blocks.map(({ language }) => language),
      );
      for (const { code } of blocks.filter(({ language }) => language === "sh")) {
        for (const command of code.trim().split(/\n|&&/)) {
          if (/^\s*(#|$|npx (spark-arrow-stream|tsx) |curl |export )/.test(command)) continue;
          const [, name, script = name] = /^\s*npm (install|test|run (\S+))/.exec(command) ?? [];
          expect(name, command).to.be.a("string");
          if (script !== "install") expect(scripts, command).to.have.property(script!);
        }
      }
    });

    it("links to what is there", async () => {
      const text = await readFile(join(root, page), "utf8");
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#?]+)/g)].map(([, target]) => target!);
      for (const target of targets) await access(join(root, dirname(page), target));
    });

    for (const [index, { language, code }] of blocks.filter(({ language }) => /^[tj]s$/.test(language)).entries()) {
      const title = code.split("\n").find((line) => /await|for|subscribe/.test(line));
      it(`block ${index + 1} of code runs: ${title?.trim()}`, async () => {
        const { url, token } = await sparkServer();
        const file = join(work, `${page.replace("/", "-")}-${index}.${language === "js" ? "mjs" : "ts"}`);
        await writeFile(file, code);
        await run(process.execPath, language === "js" ? [file] : ["--import", "tsx", file], {
          cwd: work,
          env: { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` },
          timeout: 120_000,
        });
      });
    }
  });
}

describe("docs/errors.md", () => {
  it("has every code, with its meaning", async () => {
    const text = await readFile(join(root, "docs/errors.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (.*?) \|/gm)].map(([, code, meaning]) => [code, meaning]);
    expect(rows).to.deep.equal(Object.entries(errorCodes));
  });
});
