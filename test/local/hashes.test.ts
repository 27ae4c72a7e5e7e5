import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { buildPackages, hashes, javaPackages, sparkPackages } from "../../lib/local/pinned-packages.js";
import { pipInstall } from "../../lib/local/pip.js";
import { provisionVenv } from "../../lib/local/venv.js";
import { failure, useScratch } from "./support.js";

const run = promisify(execFile);

/** A wheel with one module, made of its files as the format has it. */
const WHEEL = `
import sys, zipfile
info = "tiny-1.0.dist-info/"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("tiny.py", "answer = 42\\n")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "tiny.py,,\\n" + info + "METADATA,,\\n" + info + "WHEEL,,\\n" + info + "RECORD,,\\n")
`;

describe("What pip installs for a local Spark", function () {
  this.timeout(120_000);
  const OTHER = "0".repeat(64);
  const scratch = useScratch();
  let directory = "";
  let env: NodeJS.ProcessEnv = {};
  let sha256 = "";

  /** A registry, as a directory, of one wheel. */
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hashes-test-"));
    const wheel = join(directory, "tiny-1.0-py3-none-any.whl");
    await run("python3", ["-c", WHEEL, wheel]);
    sha256 = createHash("sha256")
      .update(await readFile(wheel))
      .digest("hex");
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith("PIP_"));
    env = {
      ...Object.fromEntries(others),
      PIP_CONFIG_FILE: "/dev/null",
      PIP_NO_INDEX: "1",
      PIP_FIND_LINKS: directory,
      SPARK_ARROW_STREAM_CACHE: join(directory, "cache"),
    };
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Any hash will do; done once, since making an environment takes seconds. */
  const trusted = () =>
    provisionVenv({
      name: "tiny",
      packages: ["tiny==1.0"],
      hashes: { "tiny==1.0": [OTHER] },
      env: { ...env, SPARK_ARROW_STREAM_HASHES: "off" },
    });

  /** Installs it beside, whatever is there. */
  async function install(...known: string[]): Promise<void> {
    const { python } = await trusted();
    const options = { env: { ...env, PIP_TARGET: scratch() }, dir: scratch(), onProgress: () => {} };
    const { signal } = new AbortController();
    await pipInstall(python, ["tiny==1.0"], { ...options, signal, hashes: { "tiny==1.0": known } });
  }

  it("has one of the hashes that are known, whichever", async () => {
    await install(OTHER, sha256);
    expect(await readdir(scratch())).to.include("tiny.py");
  });

  it("is refused where a registry has another file", async () => {
    const error = await failure(install(OTHER));
    expect(error.code).to.equal("INSTALL_FAILED");
    expect(error.message).to.include("tiny==1.0 are not those published").and.include("SPARK_ARROW_STREAM_HASHES=off");
    expect(await readdir(scratch())).not.to.include("tiny.py");
  });

  it("may be a build of a mirror's own, where the user says that it is trusted", async () => {
    const { python } = await trusted();
    expect((await run(python, ["-c", "import tiny; print(tiny.answer)"])).stdout).to.equal("42\n");
  });

  it("has a hash for each package, and each has the form of SHA-256", () => {
    const packages = [...sparkPackages, ...javaPackages, ...buildPackages];
    expect(Object.keys(hashes)).to.have.members(packages);
    for (const [requirement, known] of Object.entries(hashes)) {
      expect(requirement).to.match(/^[a-z0-9]+==[\d.]+$/);
      expect(known, requirement).not.to.have.length(0);
      for (const hash of known) expect(hash, requirement).to.match(/^[0-9a-f]{64}$/);
    }
  });

  it("says that the disk is full, and where, rather than that the registry cannot be reached", async () => {
    const python = join(scratch(), "python");
    const said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device";
    await writeFile(python, `#!/bin/sh\ncase "$*" in *--version*) echo pip 24.1;; *) echo "${said}"; exit 1;; esac\n`);
    await chmod(python, 0o755);
    const options = { env: process.env, signal: new AbortController().signal, onProgress: () => {}, dir: scratch() };
    const error = await failure(pipInstall(python, ["tiny==1.0"], options));
    expect(error.code).to.equal("INSTALL_FAILED");
    expect(error.message).to.match(/^pip could not install tiny==1\.0: the disk is full.* Free space: \d+ MB at /);
    expect(error.message)
      .to.include(scratch())
      .and.include("SPARK_ARROW_STREAM_CACHE")
      .and.not.include("PIP_INDEX_URL");
  });
});
