import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Int32 } from "apache-arrow";
import { expect } from "chai";
import { ndjsonWriter } from "../../lib/index.js";
import { processMark } from "../../lib/runtime/process-mark.js";
import { AtomicFile } from "../../lib/sinks/files/atomic-file.js";
import { isMountPoint } from "../../lib/sinks/files/mount-point.js";
import { batchOfValues, directoryPerTest, failure, writeAll } from "../support/writers.js";

const batch = batchOfValues({ a: [new Int32(), [1]] });
const isRoot = process.getuid?.() === 0;

describe("A file that a writer replaces", () => {
  const directory = directoryPerTest();

  it("keeps its rights", async () => {
    const path = directory.path("old");
    await writeFile(path, "old");
    await chmod(path, 0o640);
    await writeAll([batch], ndjsonWriter(path));
    expect((await stat(path)).mode & 0o777).to.equal(0o640);
    expect(await readFile(path, "utf8")).to.equal('{"a":1}\n');
  });

  // It became root's, and its owner could no longer write it, or read it.
  it("keeps its owner and group if root replaces it", async function () {
    if (!isRoot) this.skip();
    const path = directory.path("old");
    await writeFile(path, "old");
    await chmod(path, 0o600);
    await chown(path, 1234, 5678);
    await writeAll([batch], ndjsonWriter(path));
    const { uid, gid, mode } = await stat(path);
    expect([uid, gid, mode & 0o777]).to.deep.equal([1234, 5678, 0o600]);
  });

  // Nothing can be renamed onto it, which came out when all was written.
  it("is refused at once if it is a mount point, as Docker's -v makes it, with what to do", async function () {
    const [source, target] = [directory.path("source"), directory.path("a file")];
    await writeFile(source, "old");
    await writeFile(target, "below");
    try {
      execFileSync("mount", ["--bind", source, target], { stdio: "ignore" });
    } catch {
      this.skip(); // it takes root
    }
    try {
      let taken = 0;
      const batches = (function* () {
        taken++;
        yield batch;
      })();
      const error = await failure(writeAll(batches, ndjsonWriter(target)), "WRITE_FAILED");
      expect(error.message).to.contain("mount point").and.to.contain("createWriteStream").and.to.contain("EBUSY");
      expect(taken).to.be.at.most(1);
      expect(await readFile(source, "utf8")).to.equal("old");
      expect((await directory.files()).toSorted()).to.deep.equal(["a file", "source"]);
    } finally {
      execFileSync("umount", [target]);
    }
  });

  it("is found among the mounts by its very path", () => {
    const mounts = "36 35 98:0 / / rw - ext3 /dev/root rw\n40 36 98:0 /x /data/a\\040file rw - ext3 /dev/root rw\n";
    const found = ["/data/a file", "/data/a", "/", "/data/a\\040file"].map((path) => isMountPoint(path, mounts));
    expect(found).to.deep.equal([true, false, true, false]);
  });
});

const module = new URL("../../lib/sinks/files/atomic-file.ts", import.meta.url).href;
const temporary = /^\.spark-arrow-stream-.*\.tmp$/;

/** Another process, in the middle of writing a file. */
async function writing(path: string) {
  const script = `
    const { AtomicFile } = await import("${module}");
    const file = new AtomicFile(${JSON.stringify(path)});
    await file.open();
    await file.write(new Uint8Array(1000));
    console.log("half");
    setInterval(() => {}, 1000);
  `;
  const args = ["--import", "tsx", "--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const kill = async () => {
    if (child.kill("SIGKILL")) await once(child, "exit");
  };
  return { kill, [Symbol.asyncDispose]: kill };
}

async function write(path: string): Promise<void> {
  const file = new AtomicFile(path);
  await file.open();
  await file.write(Uint8Array.of(1));
  await file.commit();
}

describe("A file that is written beside its target", () => {
  it("is removed by the next writer into the directory if its process was killed, and not while it lives", async () => {
    const directory = await mkdtemp(join(tmpdir(), "leftover-"));
    await using killed = await writing(join(directory, "a"));
    await using _alive = await writing(join(directory, "b"));
    await killed.kill();
    expect((await readdir(directory)).filter((name) => temporary.test(name))).to.have.length(2);
    const [machine, pid] = processMark().split("-");
    const uuid = "0b5d4d3c-0000-4000-8000-000000000000";
    const others = [
      `.spark-arrow-stream-0123456789ab-${pid}-${uuid}.tmp`, // of another machine
      `.spark-arrow-stream-${uuid}.tmp`, // of whom, nobody can tell
      `.other-${machine}-999999999-${uuid}.tmp`,
    ];
    for (const name of others) await writeFile(join(directory, name), "");
    await write(join(directory, "c"));
    const left = (await readdir(directory)).filter((name) => !others.includes(name));
    expect(left).to.have.length(2).and.to.include("c");
    expect((await readdir(directory)).filter((name) => others.includes(name))).to.have.members(others);
    await rm(directory, { recursive: true });
  });
});
