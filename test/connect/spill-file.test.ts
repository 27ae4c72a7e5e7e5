import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ResponseSpool } from "../../lib/connect/execution/response-spool.js";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { processMark } from "../../lib/runtime/process-mark.js";
import { SpillFile } from "../../lib/spool/spill-file.js";
import { openSpillFiles, spillDirectory, tellsOpenFiles } from "../support/spill.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const run = promisify(execFile);
const source = new URL("../../lib/spool/spill-file.ts", import.meta.url).href;

/** Runs a script that has a SpillFile, with temporary files in a directory of its own (tsx keeps its own elsewhere). */
async function inProcess(script: string, directory: string) {
  const begin = `process.env.TMPDIR = "${directory}"; const { SpillFile } = await import("${source}");`;
  const args = ["--import", "tsx", "--input-type=module", "-e", `${begin} ${script}`];
  return await run(process.execPath, args, { timeout: 25_000 });
}

async function everyFileBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** A process id that nobody has: that of a process that has ended. */
async function deadPid(): Promise<number> {
  const { stdout } = await run(process.execPath, ["-p", "process.pid"]);
  return Number(stdout);
}

describe("A temporary file of a slow consumer", () => {
  it("gives its records back in the order they came, also those that come while others are taken", async () => {
    const file = await SpillFile.create();
    await file.append(Uint8Array.of(1, 2));
    await file.append(new Uint8Array(0));
    expect(await file.take()).to.deep.equal(Buffer.of(1, 2));
    await file.append(new Uint8Array(300_000).fill(7));
    expect(await file.take()).to.have.length(0);
    expect(await file.take()).to.deep.equal(Buffer.alloc(300_000, 7));
    expect(await file.take()).to.equal(undefined);
    await file.close();
  });

  it("has no name while it is open, in a directory that is its user's alone", async function () {
    if (!tellsOpenFiles) this.skip();
    const before = await readdir(spillDirectory).catch(() => []);
    const file = await SpillFile.create();
    expect(openSpillFiles()).to.have.length(1);
    expect(await readdir(spillDirectory)).to.have.length.of.at.most(before.length);
    expect((await stat(spillDirectory)).mode & 0o777).to.equal(0o700);
    await file.close();
    expect(openSpillFiles()).to.deep.equal([]);
  });

  it("is not left behind by a process that is killed", async () => {
    const directory = temporaryDirectory("killed");
    const script =
      'const file = await SpillFile.create(); await file.append(new Uint8Array(1e6)); process.kill(process.pid, "SIGKILL");';
    const killed = await inProcess(script, directory).catch((error) => error);
    expect(killed).to.have.property("signal", "SIGKILL");
    await inProcess("await (await SpillFile.create()).close();", directory); // where it had a name, the next start removes it
    expect(await everyFileBelow(directory)).to.deep.equal([]);
  });

  it("of a process that is no more is removed by the next; that of one that lives is not", async () => {
    await (await SpillFile.create()).close();
    const uuid = "0b5d4d3c-0000-4000-8000-000000000000";
    const [machine] = processMark().split("-");
    const path = (pid: number, where = machine) => join(spillDirectory, `spill-${where}-${pid}-${uuid}`);
    const pid = await deadPid();
    const files = [
      path(pid),
      path(process.ppid),
      path(pid, "0123456789ab"),
      join(spillDirectory, `x-${machine}-${pid}`),
    ];
    for (const each of files) await writeFile(each, "");
    await (await SpillFile.create()).close();
    expect(files.map(existsSync)).to.deep.equal([false, true, true, true]);
    await Promise.all(files.slice(1).map((each) => unlink(each)));
  });

  // A symbolic link there was followed, and what looked like left behind in the place that it led to was removed.
  const strangers: Record<string, (path: string, elsewhere: string) => Promise<void>> = {
    "a symbolic link to a directory": (path, elsewhere) => symlink(elsewhere, path),
    "a symbolic link to nothing": (path, elsewhere) => symlink(join(elsewhere, "nothing"), path),
    "a directory that others may enter": async (path) => {
      await mkdir(path);
      await chmod(path, 0o755);
    },
    "a file": (path) => writeFile(path, "mine"),
  };
  for (const [what, make] of Object.entries(strangers)) {
    it(`is made elsewhere, for its user alone, where ${what} has its directory's name; nothing behind that is touched`, async () => {
      const [directory, elsewhere] = [temporaryDirectory("strange"), temporaryDirectory("behind")];
      const path = join(directory, basename(spillDirectory));
      await make(path, elsewhere);
      const [machine] = processMark().split("-");
      const victim = `spill-${machine}-${await deadPid()}-0b5d4d3c-0000-4000-8000-000000000000`;
      await writeFile(join(elsewhere, victim), "");
      const script = `
        const file = await SpillFile.create();
        await file.append(Uint8Array.of(1));
        console.log((await file.take()).length);
        await file.close();
      `;
      const { stdout } = await inProcess(script, directory);
      expect(stdout).to.equal("1\n");
      expect(await readdir(elsewhere)).to.deep.equal([victim]);
      expect(await readdir(directory)).to.deep.equal([basename(spillDirectory)]);
    });
  }

  it("that cannot be made is WRITE_FAILED, and says where room is needed", async () => {
    const script = "await SpillFile.create().catch((e) => console.log(e.code, e.message));";
    const { stdout } = await inProcess(script, "/dev/null");
    expect(stdout).to.match(/^WRITE_FAILED .*\/dev\/null\/.*set TMPDIR/);
  });
});

describe("The spool of a slow consumer", () => {
  const response = (id: number, bytes: number) =>
    create(ExecutePlanResponseSchema, {
      responseId: String(id),
      responseType: { case: "arrowBatch", value: { data: new Uint8Array(bytes).fill(id), rowCount: BigInt(id) } },
    });

  it("holds what fits in memory, and all that comes after what does not in a file, in order", async () => {
    const spool = new ResponseSpool(100);
    const all = [40, 60, 1, 500, 3].map((bytes, id) => response(id, bytes));
    for (const [index, each] of all.entries()) {
      await spool.push(each);
      expect(spool.spilled, `after ${index}`).to.equal(index >= 2);
    }
    expect(await spool.shift()).to.deep.equal(all[0]);
    await spool.push(response(5, 1)); // though there is room again, it comes behind what is in the file
    for (const each of [...all.slice(1), response(5, 1)]) expect(await spool.shift()).to.deep.equal(each);
    expect([spool.length, spool.spilled, await spool.shift()]).to.deep.equal([0, false, undefined]);
  });

  it("loses nothing that is put in while the last of it is taken", async () => {
    for (let turns = 0; turns < 40; turns++) {
      const spool = new ResponseSpool(0);
      await spool.push(response(1, 10));
      const first = spool.shift();
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate); // at every moment of the taking
      await spool.push(response(2, 10));
      expect([await first, await spool.shift()]).to.deep.equal([response(1, 10), response(2, 10)]);
      await spool.close();
    }
  });

  it("drops what is left when it is closed, file and all", async () => {
    const spool = new ResponseSpool(0);
    await spool.push(response(1, 10));
    expect(spool.spilled).to.equal(true);
    await spool.close();
    await spool.close();
    expect([spool.length, spool.spilled]).to.deep.equal([0, false]);
    if (tellsOpenFiles) expect(openSpillFiles()).to.deep.equal([]);
  });
});
