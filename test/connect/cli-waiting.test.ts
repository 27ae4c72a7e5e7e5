// The command line, and a server that is not there yet.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { startScriptedServer } from "../../lib/testing/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { freePort } from "../support/free-port.js";
import { idBatches, within } from "../support/scripted.js";

const cli = new URL("../../lib/cli.ts", import.meta.url).pathname;
const token = "very-secret-token";

function run(port: number, ...more: string[]) {
  const args = [
    "--import",
    "tsx",
    cli,
    "--remote",
    `sc://127.0.0.1:${port}/;token=${token}`,
    "--sql",
    "SELECT 1",
    ...more,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  return { output, closed: once(child, "close"), [Symbol.asyncDispose]: async () => void child.kill() };
}

describe("The command line with --connect-timeout", () => {
  it("waits for a server that is not there yet, says so once, and then does its work", async () => {
    const port = await freePort();
    await using waiting = run(port, "--connect-timeout", "50");
    await within(30_000, () => expect(waiting.output.stderr).to.include("Waiting"));
    await using server = await startScriptedServer({ token, batches: idBatches(2) });
    await using _proxy = await startFaultProxy({ port: server.port }, undefined, port);
    expect(await waiting.closed).to.deep.equal([0, null]);
    expect(waiting.output.stdout).to.equal('{"id":0}\n{"id":1}\n');
    expect(waiting.output.stderr).to.match(new RegExp(`^Waiting for the server at 127.0.0.1:${port} …\n2 rows.*\n$`));
  });

  it("says nothing of it with --quiet, and gives up when the time is over", async () => {
    await using waiting = run(await freePort(), "--connect-timeout", "2.5", "--quiet");
    expect(await waiting.closed).to.deep.equal([1, null]);
    expect(waiting.output.stderr)
      .to.match(/^Cannot reach .* within 2\.5 s .*\[UNAVAILABLE\]\n$/)
      .and.not.to.include(token);
  });
});
