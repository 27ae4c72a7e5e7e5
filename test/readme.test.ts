import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { sparkServer } from "./support/spark.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
/** Within the package, so that a block's import of the package by its name finds it. */
const work = join(root, "out", "readme");

interface Block {
  readonly language: string;
  readonly code: string;
}

async function blocksOf(path: string): Promise<Block[]> {
  const text = await readFile(join(root, path), "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({ language, code }));
}

const guides = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
const pages = new Map<string, Block[]>();
for (const path of ["README.md", ...guides]) pages.set(path, await blocksOf(path));

/** A line that tells what a block is about. */
const shown = ({ code }: Block) =>
  code
    .split("\n")
    .find((line) => /await|for|subscribe/.test(line))
    ?.trim();

describe("the documentation", function () {
  this.timeout(600_000);
  before(() => mkdir(work, { recursive: true }));
  after(() => rm(work, { recursive: true, force: true }));

  it("of the README has blocks of TypeScript, and of commands that package.json or npm knows", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const blocks = pages.get("README.md")!;
    expect(new Set(blocks.map(({ language }) => language))).to.deep.equal(new Set(["sh", "ts"]));
    for (const { code } of blocks.filter(({ language }) => language === "sh")) {
      if (code.startsWith("npx spark-arrow-stream")) continue;
      for (const command of code.trim().split(/\n|&&/)) {
        const [, name, script = name] = /^\s*npm (install|test|run (\S+))/.exec(command) ?? [];
        expect(name, command).to.be.a("string");
        if (script !== "install") expect(scripts, command).to.have.property(script!);
      }
    }
  });

  it("links to files that are there", async () => {
    for (const path of pages.keys()) {
      const text = await readFile(join(root, path), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
        await readFile(join(root, path, "..", target)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EISDIR") throw error;
        });
      }
    }
  });

  for (const [path, blocks] of pages) {
    for (const [index, block] of blocks.filter(({ language }) => language === "ts").entries()) {
      it(`${path}: block ${index + 1} of TypeScript runs: ${shown(block)}`, async () => {
        const file = join(work, `${path.replace("/", "-")}-${index}.ts`);
        await writeFile(file, block.code);
        const { url, token } = await sparkServer();
        const env = { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` };
        await run(process.execPath, ["--import", "tsx", file], { cwd: work, env, timeout: 120_000 });
      });
    }
  }
});
