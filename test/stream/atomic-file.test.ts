import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { processMark } from "../../lib/process-mark.js";
import { AtomicFile } from "../../lib/sinks/atomic-file.js";

const module = new URL("../../lib/sinks/atomic-file.ts", import.meta.url).href;
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
