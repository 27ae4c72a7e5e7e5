import { join } from "node:path";
import { expect } from "chai";
import { findPython } from "../../lib/local/python.js";
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

  it("asks the real python3", async () => {
    expect((await findPython()).version).to.match(/^3\.\d+$/);
  });
});
