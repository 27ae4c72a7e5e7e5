import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import type { SparkStreamError } from "../../lib/errors.js";
import { provisionVenv, type VenvOptions } from "../../lib/local/venv.js";
import { ownTimeOf, until } from "../support/until.js";
import { failure, useScratch } from "./support.js";

const run = promisify(execFile);
const provisioner = fileURLToPath(new URL("provisioner.ts", import.meta.url));
const SIX = ["six==1.17.0"];

/** An environment in which pip finds nothing but what `registry` offers. */
function onlyFrom(registry: string, cache: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("PIP_"));
  return {
    ...Object.fromEntries(others),
    PIP_CONFIG_FILE: "/dev/null",
    PIP_NO_CACHE_DIR: "1",
    PIP_INDEX_URL: registry,
    SPARK_ARROW_STREAM_CACHE: cache,
  };
}

describe("provisioning a Python environment", function () {
  this.timeout(120_000);
  let cache = "";
  const env = () => ({ ...process.env, SPARK_ARROW_STREAM_CACHE: cache });
  const provision = (options: Partial<VenvOptions> = {}) =>
    provisionVenv({ name: "tiny", packages: SIX, env: env(), ...options });

  /** Whether an installation would be made; without a Python on PATH it cannot. */
  async function isDue(packages = SIX, onProgress?: VenvOptions["onProgress"]): Promise<boolean> {
    const result = provision({ packages, onProgress, env: { ...env(), PATH: "/nowhere" } });
    return await result.then(
      () => false,
      (error: SparkStreamError) => {
        expect(error.code).to.equal("PYTHON_NOT_FOUND");
        return true;
      },
    );
  }

  before(async () => {
    cache = await mkdtemp(join(tmpdir(), "venv-test-"));
  });
  after(() => rm(cache, { recursive: true, force: true }));

  it("happens once for two processes that come first at the same time: one installs, the other waits", async () => {
    const one = () => run(process.execPath, ["--import", "tsx", provisioner], { env: env() });
    const outputs = await Promise.all([one(), one()]);
    const results = outputs.map(({ stdout }) => JSON.parse(stdout) as { installed: boolean; messages: string[] });
    const installer = results.find(({ installed }) => installed);
    const waiter = results.find(({ installed }) => !installed);
    expect(installer?.messages.join("\n")).to.include("Installing tiny (once)").and.not.include("Waiting");
    expect(waiter?.messages).to.deep.equal(["Waiting for another process that is installing tiny"]);
  });

  it("gives what is there, without a word", async () => {
    const messages: string[] = [];
    const venv = await provision({ onProgress: (message) => messages.push(message) });
    expect(messages).to.deep.equal([]);
    expect(venv.installed).to.equal(false);
    expect(existsSync(join(venv.sitePackages, "six.py"))).to.equal(true);
    const { stdout } = await run(venv.python, ["-c", "import six; print(six.__version__)"]);
    expect(stdout).to.equal("1.17.0\n");
    expect(await readdir(cache), "no lock is left").to.have.length(1);
  });

  it("is done again where it was left half done", async () => {
    const { dir } = await provision();
    await rm(join(dir, "installed.json"));
    await writeFile(join(dir, "half"), "");
    const again = await provision();
    expect(again).to.include({ dir, installed: true });
    expect(existsSync(join(dir, "half"))).to.equal(false);
  });

  it("is due again where the Python below it has gone, or has become another", async () => {
    const { dir, python } = await provision();
    expect(await isDue()).to.equal(false);
    const marker = join(dir, "installed.json");
    const text = await readFile(marker, "utf8");
    await writeFile(marker, text.replace(/"python": "3\.\d+"/, '"python": "3.1"'));
    expect(await isDue()).to.equal(true);
    await writeFile(marker, text);
    await rename(python, `${python}.away`);
    expect(await isDue()).to.equal(true);
    await rename(`${python}.away`, python);
    expect(await isDue()).to.equal(false);
  });

  it("of other versions goes to another directory, incomplete if something goes wrong at the very end", async () => {
    const { dir } = await provision();
    let other = "";
    const finish: VenvOptions["finish"] = async (venv) => {
      other = venv.dir;
      throw new Error("out of luck");
    };
    const error = await failure(provision({ packages: ["six==1.16.0"], finish }));
    expect(error.code).to.equal("INSTALL_FAILED");
    expect(error.message).to.include("out of luck").and.include("SPARK_ARROW_STREAM_CACHE");
    expect(other).not.to.equal(dir);
    expect(await isDue(["six==1.16.0"])).to.equal(true);
    expect(await isDue()).to.equal(false);
  });

  it("does not wait for a process that was killed long ago", async () => {
    const { dir } = await provision();
    await rm(join(dir, "installed.json"));
    await mkdir(`${dir}.lock`);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${dir}.lock`, longAgo, longAgo);
    const messages: string[] = [];
    expect(await isDue(SIX, (message) => messages.push(message))).to.equal(true);
    expect(messages).to.deep.equal([]);
  });
});

describe("provisioning a Python environment that cannot be had", function () {
  this.timeout(120_000);
  const scratch = useScratch();

  it("says what pip said, and what to do, when the registry cannot be reached", async () => {
    const env = onlyFrom("http://127.0.0.1:9/simple", scratch());
    const begun = Date.now();
    const error = await failure(provisionVenv({ name: "tiny", packages: SIX, env }));
    expect(error.code).to.equal("INSTALL_FAILED");
    expect(error.message).to.include("six==1.17.0").and.include("PIP_INDEX_URL");
    expect(error.message).to.match(/No matching distribution found for six/);
    expect(Date.now() - begun, "ms").to.be.below(60_000);
  });

  it("names the missing Python", async () => {
    const env = { PATH: scratch(), SPARK_ARROW_STREAM_CACHE: join(scratch(), "cache") };
    const error = await failure(provisionVenv({ name: "tiny", packages: SIX, env }));
    expect(error.code).to.equal("PYTHON_NOT_FOUND");
  });

  it("names the cache directory that cannot be made", async () => {
    await writeFile(join(scratch(), "file"), "");
    const env = { ...process.env, SPARK_ARROW_STREAM_CACHE: join(scratch(), "file", "cache") };
    const error = await failure(provisionVenv({ name: "tiny", packages: SIX, env }));
    expect(error.code).to.equal("INSTALL_FAILED");
    expect(error.message).to.include(env.SPARK_ARROW_STREAM_CACHE);
  });

  describe("because the registry never answers", () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}).resume());
      socket.once("close", () => sockets.delete(socket));
    });
    let env: NodeJS.ProcessEnv = {};
    before(async () => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    beforeEach(() => {
      env = onlyFrom(`http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`, scratch());
    });
    after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    it("ends at once with the signal's reason, and so does pip", async () => {
      const controller = new AbortController();
      const promise = provisionVenv({ name: "tiny", packages: SIX, env, signal: controller.signal });
      await until(() => sockets.size > 0, "pip asks the registry");
      const reason = new Error("changed my mind");
      controller.abort(reason);
      expect(await ownTimeOf(promise), "ms").to.be.below(5_000);
      expect(await promise.catch((error: unknown) => error), "rejection").to.equal(reason);
      await until(() => sockets.size === 0, "pip is gone");
      expect(
        (await readdir(scratch())).filter((name) => name.endsWith(".lock")),
        "locks",
      ).to.deep.equal([]);
    });

    it("takes no pip along when the installing process is killed", async () => {
      const child = spawn(process.execPath, ["--import", "tsx", provisioner], { env });
      await until(() => sockets.size > 0, "pip asks the registry");
      child.kill("SIGKILL");
      await until(() => sockets.size === 0, "pip is gone");
    });
  });
});
