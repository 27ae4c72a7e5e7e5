// The package as npm packs it, installed elsewhere: what a user gets.
import { execFile } from "node:child_process";
import { access, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { notInCheck } from "./support/check.js";

const exec = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
const entries = [
  "spark-arrow-stream",
  "spark-arrow-stream/connect",
  "spark-arrow-stream/local",
  "spark-arrow-stream/testing",
];

/** The declaration files that this one imports, directly or by others, with their text. */
async function declarations(file: string, found = new Map<string, string>()): Promise<Map<string, string>> {
  if (found.has(file)) return found;
  const text = await readFile(file, "utf8");
  found.set(file, text);
  for (const [, path] of text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
    await declarations(join(dirname(file), path!.replace(/\.js$/, ".d.ts")), found);
  }
  return found;
}

describe("the package", function () {
  this.timeout(300_000);
  let project = "";
  const run = (command: string, args: string[]) => exec(command, args, { cwd: project, timeout: 240_000 });

  before(async function () {
    notInCheck("it installs packages", this);
    project = await mkdtemp(join(tmpdir(), "consumer-"));
    const { stdout } = await exec("npm", ["pack", "--silent", "--pack-destination", project], { cwd: root });
    const tarball = join(project, stdout.trim().split("\n").at(-1)!);
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "consumer", type: "module", private: true }));
    await run("npm", ["install", "--no-audit", "--no-fund", tarball, "apache-arrow"]);
  });
  after(async () => {
    if (project) await rm(project, { recursive: true, force: true });
  });

  it("holds the built code with its types, and nothing of the workshop", async () => {
    const installed = join(project, "node_modules/spark-arrow-stream");
    expect((await readdir(installed)).filter((name) => name !== "node_modules").sort()).to.deep.equal(
      ["CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "dist", "package.json"].sort(),
    );
  });

  it("brings no second copy of apache-arrow, so that its batches are the user's", async () => {
    const { stdout } = await run("npm", ["ls", "apache-arrow", "--all", "--parseable"]);
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => line.endsWith("apache-arrow")),
    ).to.have.length(1);
  });

  for (const entry of entries) {
    it(`${entry} is imported as an ES module`, async () => {
      const script = `const m = await import("${entry}"); console.log(Object.keys(m).length)`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
      expect(Number(stdout)).to.be.above(0);
    });
  }

  it("has a command line", async () => {
    const { stdout } = await run("npx", ["spark-arrow-stream", "--version"]);
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(stdout).to.equal(`${version}\n`);
  });

  it("is required where Node can require ES modules", async () => {
    const script = `console.log(typeof require("spark-arrow-stream").sparkStream)`;
    const { stdout } = await run(process.execPath, ["--input-type=commonjs", "-e", script]);
    expect(stdout.trim()).to.equal("function");
  });

  // A method's type that one version of Node's types has and another has not was an error in every project with the other.
  const compilers = [
    ["5.4", "20"],
    ["5.9", "22"],
    ["6", "22"],
    ["7", "20"],
    ["7", "24"],
  ];
  for (const [typescript, node] of compilers) {
    it(`compiles in a strict project with TypeScript ${typescript} and the types of Node ${node}, without skipLibCheck for its own types`, async () => {
      const packages = [`typescript@${typescript}`, `@types/node@${node}`];
      await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", ...packages]);
      await copyFile(join(root, "test/types/consumer.ts"), join(project, "consumer.ts"));
      const config = {
        compilerOptions: {
          target: "ES2022",
          lib: ["ES2023", "ESNext.Disposable"],
          module: "NodeNext",
          strict: true,
          noEmit: true,
          types: ["node"],
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
        },
        files: ["consumer.ts"],
      };
      await writeFile(join(project, "tsconfig.json"), JSON.stringify(config));
      const output = await run("npx", ["tsc", "-p", "."]).then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout as string,
      );
      const ours = (line: string) => line.includes("error") && !/node_modules\/(?!spark-arrow-stream)/.test(line);
      expect(output.split("\n").filter(ours)).to.deep.equal([]);
      const { stdout } = await run("npx", ["tsc", "--version"]);
      expect(stdout).to.include(`Version ${typescript}`);
    });
  }

  // Types of the protocol in a public signature would tie every user to the version of the protobuf package.
  it("has types that name no package but Node and apache-arrow, and nothing of the protocol", async () => {
    const dist = join(project, "node_modules/spark-arrow-stream/dist");
    for (const entry of ["index.d.ts", "connect/index.d.ts", "local/index.d.ts"]) {
      const files = await declarations(join(dist, entry));
      const packages = [...files.values()].flatMap((text) =>
        [...text.matchAll(/(?:from |import\()"([^.][^"]*)"/g)].map(([, name]) => name),
      );
      expect([...new Set(packages)].filter((name) => !/^(node:.*|apache-arrow)$/.test(name!))).to.deep.equal([]);
      expect(
        [...files.keys()].filter((file) => /generated|client|execution/.test(file.slice(dist.length))),
      ).to.deep.equal([]);
    }
  });

  it("has in package.json what its exports promise, and peer dependencies for what is shared", async () => {
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(Object.keys(manifest.exports).map((key) => key.replace(/^\./, "spark-arrow-stream"))).to.include.members(
      entries,
    );
    expect(manifest.peerDependencies).to.have.property("apache-arrow");
    expect(manifest.dependencies).not.to.have.property("apache-arrow");
    for (const { types, default: file } of Object.values(manifest.exports).filter(
      (value) => typeof value === "object",
    ) as {
      types: string;
      default: string;
    }[]) {
      await Promise.all([types, file].map((path) => readFile(join(root, path))));
    }
  });
});

// The tarball holds neither docs nor examples: npm's page takes relative links to be of the repository that package.json names.
describe("the package's page on npm", () => {
  const home = "https://github.com/spark-arrow-stream/spark-arrow-stream";

  it("names the repository, the home page and where bugs are reported", async () => {
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(manifest).to.deep.include({
      repository: { type: "git", url: `git+${home}.git` },
      homepage: `${home}#readme`,
      bugs: `${home}/issues`,
    });
  });

  it("has links and images that lead to what the repository has", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const links = [...readme.matchAll(/(!?)\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, image, target]) => ({
      image,
      target: target!,
    }));
    const relative = links.filter(({ target }) => !/^(https:|#)/.test(target));
    expect(relative.map(({ target }) => target)).to.include.members([
      "CONTRIBUTING.md",
      "SECURITY.md",
      "docs/types.md",
    ]);
    for (const { image, target } of relative) {
      const { pathname, search } = new URL(target, `${home}/blob/HEAD/`);
      const path = decodeURIComponent(pathname).split("/blob/HEAD/")[1];
      expect(path, `${target} leads out of the repository`).to.be.a("string");
      await access(join(root, path!));
      // raw.githubusercontent.com, from where npm shows images, sends an SVG as text unless it is asked to sanitize it.
      if (image && path!.endsWith(".svg")) expect(search, target).to.equal("?sanitize=true");
    }
  });

  it("links to headings that are there", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    for (const [, page, anchor] of readme.matchAll(/\]\(([^)#:\s]*)#([^)\s]+)\)/g)) {
      const text = page ? await readFile(join(root, page), "utf8") : readme;
      const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, "")
          .replaceAll(" ", "-"),
      );
      expect(anchors, `${page}#${anchor}`).to.include(anchor);
    }
  });
});
