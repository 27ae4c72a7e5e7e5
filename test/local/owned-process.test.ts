import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { until } from "../support/until.js";
import { alive, useScratch } from "./support.js";

const owner = fileURLToPath(new URL("owner.ts", import.meta.url));

describe("an owned process", () => {
  const scratch = useScratch();

  it("has its own process id, output and exit status, and its directory goes with it", async () => {
    const directory = join(scratch(), "its own");
    await mkdir(directory);
    const owned = new OwnedProcess(["sh", "-c", "echo $$; exit 7"], { output: "pipe", directory });
    expect(Number(await text(owned.child.stdout!))).to.equal(await owned.pid);
    expect(await owned.exited).to.equal(7);
    expect(existsSync(directory)).to.equal(false);
  });

  it("has status 127 when there is no such command, and 128 + 9 when it was killed", async () => {
    expect(await new OwnedProcess(["/no/such/command"], { output: "pipe" }).exited).to.equal(127);
    const owned = new OwnedProcess(["sleep", "60"], { output: "pipe" });
    process.kill((await owned.pid)!, "SIGKILL");
    expect(await owned.exited).to.equal(137);
  });

  it("is stopped by TERM, together with its own children", async () => {
    const command = ["sh", "-c", "sleep 60 & echo $!; wait"];
    const owned = new OwnedProcess(command, { output: "pipe", grace: 30 });
    const [line] = (await once(createInterface({ input: owned.child.stdout! }), "line")) as [string];
    await Promise.all([owned.stop(), owned.stop()]);
    expect(await owned.exited).to.equal(143);
    await until(() => !alive(Number(line)), "its child is gone");
    await owned.stop();
  });

  // A TERM that came in the first milliseconds once killed the shell alone, or was not heard of by the command.
  it("can be stopped at any moment of its beginning", async () => {
    for (let round = 0; round < 10; round++) {
      const stopped = Array.from({ length: 8 }, async (_, ms) => {
        const owned = new OwnedProcess(["sleep", "60"], { output: "pipe", grace: 30 });
        await sleep(ms); // the moment is what is tried
        await owned.stop();
        return alive((await owned.pid)!);
      });
      expect(await Promise.all(stopped)).not.to.include(true);
    }
  });

  it("is killed when it does not heed TERM within the grace", async () => {
    const owned = new OwnedProcess(["sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"], {
      output: "pipe",
      grace: 1,
    });
    await once(owned.child.stdout!, "data");
    const begun = Date.now();
    await owned.stop();
    expect(Date.now() - begun).to.be.above(900);
    expect(alive((await owned.pid)!)).to.equal(false);
  });

  it("is in a session of its own, out of reach of the terminal's Ctrl-C", async () => {
    const owned = new OwnedProcess(["sh", "-c", "ps -o pgid= -p $$"], { output: "pipe" });
    expect(Number(await text(owned.child.stdout!))).to.equal(owned.child.pid);
  });

  it("and its directory are gone soon after its owner was killed", async () => {
    const directory = join(scratch(), "dir");
    await mkdir(directory);
    const parent = spawn(process.execPath, ["--import", "tsx", owner, directory, "stay"]);
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    const { command, supervisor } = JSON.parse(line) as { command: number; supervisor: number };
    expect([alive(command), alive(supervisor), existsSync(directory)]).to.deep.equal([true, true, true]);
    parent.kill("SIGKILL");
    await until(() => !alive(command) && !alive(supervisor) && !existsSync(directory), "all is gone");
  });

  it("does not keep its owner from ending, and ends with it", async () => {
    const parent = spawn(process.execPath, ["--import", "tsx", owner, join(scratch(), "dir"), "end"]);
    const [[line], [code]] = await Promise.all([
      once(createInterface({ input: parent.stdout }), "line") as Promise<[string]>,
      once(parent, "exit"),
    ]);
    expect(code).to.equal(0);
    await until(() => !alive((JSON.parse(line) as { command: number }).command), "the command is gone");
  });
});
