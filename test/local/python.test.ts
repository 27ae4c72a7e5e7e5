import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { findPython, OLDEST_PYTHON } from "../../lib/local/python.js";
import { findSparkHome, SPARK_VERSION } from "../../lib/local/spark-home.js";
import { notInCheck } from "../support/check.js";
import { failure, script, useScratch } from "./support.js";

describe("looking for Python", () => {
  const scratch = useScratch();

  it("says what to install where there is none", async () => {
    const error = await failure(findPython({ PATH: scratch() }));
    expect(error.code).to.equal("PYTHON_NOT_FOUND");
    expect(error.message).to.include("no python3 on PATH").and.include("apt install").and.include("SPARK_HOME");
  });

  it("says so where python3 is too old", async () => {
    await script(join(scratch(), "python3"), "echo 3.9");
    await script(join(scratch(), "python3.13"), "echo 'not this one' >&2; exit 127");
    const error = await failure(findPython({ PATH: scratch() }));
    expect(error.code).to.equal("PYTHON_NOT_FOUND");
    expect(error.message).to.include("python3 on PATH is Python 3.9").and.include("3.11");
  });

  it("says so where python3 cannot make a virtual environment, as on a bare Debian", async () => {
    await script(join(scratch(), "python3"), "echo 3.12; echo ensurepip");
    const error = await failure(findPython({ PATH: scratch() }));
    expect(error.code).to.equal("PYTHON_NOT_FOUND");
    expect(error.message).to.include("ensurepip").and.include("python3-venv");
  });

  it("says what python3 said where it does not run", async () => {
    await script(join(scratch(), "python3"), "echo 'xcode-select: no developer tools' >&2; exit 1");
    expect((await failure(findPython({ PATH: scratch() }))).message).to.include("no developer tools");
  });

  it("takes a newer one by its full name where python3 is too old", async () => {
    await script(join(scratch(), "python3"), "echo 3.9");
    await script(join(scratch(), "python3.12"), "echo 3.12");
    expect(await findPython({ PATH: scratch() })).to.deep.equal({ command: "python3.12", version: "3.12" });
  });

  it("takes 3.11, and nothing older", async () => {
    await script(join(scratch(), "python3"), "echo 3.10");
    expect((await failure(findPython({ PATH: scratch() }))).message).to.include("Python 3.10, but Spark needs 3.11");
    await script(join(scratch(), "python3"), "echo 3.11");
    expect(await findPython({ PATH: scratch() })).to.deep.equal({ command: "python3", version: "3.11" });
  });

  it("needs the version that README and docs name", async () => {
    const root = new URL("../../", import.meta.url);
    const pages = (await readdir(new URL("docs/", root))).filter((name) => name.endsWith(".md"));
    const named: string[] = [];
    for (const page of ["README.md", "CONTRIBUTING.md", ...pages.map((name) => `docs/${name}`)]) {
      const text = await readFile(new URL(page, root), "utf8");
      named.push(...[...text.matchAll(/Python (3\.\d+)/g)].map(([, version]) => `${page}: ${version}`));
    }
    expect(named).to.include(`README.md: ${OLDEST_PYTHON}`);
    expect(named.filter((name) => !name.endsWith(`: ${OLDEST_PYTHON}`))).to.deep.equal([]);
  });

  it("needs the version that Spark's own package needs", async () => {
    notInCheck("it needs a Spark");
    const { dir } = await findSparkHome({ env: { ...process.env, SPARK_HOME: undefined } });
    const file = join(dirname(dir), `pyspark-${SPARK_VERSION}.dist-info`, "METADATA");
    const [, required] = /^Requires-Python: (.*)$/m.exec(await readFile(file, "utf8")) ?? [];
    expect(required).to.equal(`>=${OLDEST_PYTHON}`);
  });

  it("asks the real python3", async () => {
    notInCheck("it needs Python");
    expect((await findPython()).version).to.match(/^3\.\d+$/);
  });
});
