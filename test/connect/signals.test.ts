// A program that is ended by a signal must not leave its queries on the cluster, and must end as without this package.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { sparkStream } from "../../lib/index.js";
import { type ScriptedServer, type ScriptedServerOptions, startScriptedServer } from "../../lib/testing/index.js";
import { countTo, errorOf, idBatches, scripted, within } from "../support/scripted.js";

const batches = idBatches(10, 10, 5);
/** Rows have come, and no more do. */
const endless: ScriptedServerOptions = { batches, faults: [{ after: 2, do: "stall" }] };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** ms in which a machine that is busy gets round to something. */
const SOON = 30_000;

const entry = new URL("../../lib/index.ts", import.meta.url).href;
const RUNNING = `
  import { connect, sparkStream } from "${entry}";
  const spark = await connect(process.env.SERVER);
  const running = sparkStream(spark.range(25)).toArray();`;

/** A program, and what becomes of it. */
function run(script: string, server: ScriptedServer) {
  const env = { ...process.env, SERVER: server.url };
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.add(child);
  return { child, exit: exitOf(child) };
}

const started = new Set<ChildProcess>();

async function exitOf(child: ChildProcess) {
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, "exit"),
    text(child.stdout!),
    text(child.stderr!),
  ]);
  return { code, signal, stdout, stderr };
}

const attached = (server: ScriptedServer) => server.operations.map((operation) => operation.attached);
const stopped = (server: ScriptedServer) => server.operations.map((operation) => operation.stopped);
const runs = (server: ScriptedServer, count = 1) =>
  within(SOON, () =>
    expect(server.operations.map(({ responsesSent }) => responsesSent)).to.deep.equal(countTo(count).map(() => 2)),
  );

const listeners = () => SIGNALS.map((signal) => process.listenerCount(signal));

describe("a program that runs queries", () => {
  afterEach(() => {
    for (const child of started) child.kill("SIGKILL");
    started.clear();
  });

  for (const signal of SIGNALS) {
    it(`is ended by ${signal} as ever, with not a word, and its queries are stopped on the server`, async () => {
      await using server = await startScriptedServer(endless);
      const { child, exit } = run(
        `${RUNNING}\nawait Promise.all([running, sparkStream(spark.range(3)).toArray()]);`,
        server,
      );
      await runs(server, 2);
      child.kill(signal);
      expect(await exit).to.deep.equal({ code: null, signal, stdout: "", stderr: "" });
      expect(stopped(server)).to.deep.equal([true, true]);
    });
  }

  it("has a command and a staged frame stopped, too", async () => {
    await using server = await startScriptedServer({ batches, faults: [{ do: "stall" }] });
    const script = `${RUNNING}
      const all = [running, spark.sql("INSERT INTO t SELECT 1").execute(),
        sparkStream(spark.range(3), { delivery: "staged" }).toArray()];
      await Promise.all(all);`;
    const { child, exit } = run(script, server);
    await within(SOON, () => expect(server.operations).to.have.length(3));
    child.kill("SIGTERM");
    expect(await exit).to.deep.equal({ code: null, signal: "SIGTERM", stdout: "", stderr: "" });
    expect(stopped(server)).to.deep.equal([true, true, true]);
  });

  it("decides itself if it has a listener of its own, in which session.close() works", async () => {
    await using server = await startScriptedServer(endless);
    const script = `${RUNNING}
      let code;
      running.catch((error) => { code = error.code; });
      process.once("SIGINT", async () => { await spark.close(); await running.catch(() => {}); console.log(code); });`;
    const { child, exit } = run(script, server);
    await runs(server);
    child.kill("SIGINT");
    expect(await exit).to.deep.equal({ code: 0, signal: null, stdout: "SESSION_CLOSED\n", stderr: "" });
    expect(stopped(server)).to.deep.equal([true]);
  });

  it("is ended at once by the second signal, and after a second if the server does not answer", async () => {
    const respond = { interrupt: () => new Promise<never>(() => {}) };
    await using server = await startScriptedServer({ ...endless, respond });
    const [one, two] = [run(`${RUNNING}\nawait running;`, server), run(`${RUNNING}\nawait running;`, server)];
    await runs(server, 2);
    const interrupts = () => server.requests.filter(({ method }) => method === "interrupt");
    const start = performance.now();
    one.child.kill("SIGTERM");
    two.child.kill("SIGTERM");
    await within(SOON, () => expect(interrupts().length).to.be.above(1));
    two.child.kill("SIGINT");
    expect((await two.exit).signal).to.equal("SIGINT");
    expect((await one.exit).signal).to.equal("SIGTERM");
    expect(performance.now() - start).to.be.within(900, SOON);
  });

  it("is ended in the presence of signal-exit, which ends it only if nobody else listens", async () => {
    await using server = await startScriptedServer(endless);
    const script = `import onExit from "signal-exit"; onExit((code, signal) => console.log("exit", signal));\n${RUNNING}\nawait running;`;
    const { child, exit } = run(script, server);
    await runs(server);
    child.kill("SIGTERM");
    expect(await exit).to.deep.equal({ code: null, signal: "SIGTERM", stdout: "exit SIGTERM\n", stderr: "" });
    expect(stopped(server)).to.deep.equal([true]);
  });

  it("is left alone with handleSignals: false", async () => {
    await using server = await startScriptedServer(endless);
    const script = RUNNING.replace("process.env.SERVER", "process.env.SERVER, { handleSignals: false }");
    const { child, exit } = run(`${script}\nconsole.log(process.listenerCount("SIGINT")); await running;`, server);
    await runs(server);
    child.kill("SIGINT");
    expect(await exit).to.deep.equal({ code: null, signal: "SIGINT", stdout: "0\n", stderr: "" });
    await within(SOON, () => expect(attached(server)).to.deep.equal([false]));
    expect(stopped(server)).to.deep.equal([false]);
  });
});

describe("listeners for signals", () => {
  it("are there while something runs, and not before or afterwards", async () => {
    const before = listeners();
    await using fixture = await scripted({ batches });
    expect(listeners()).to.deep.equal(before);
    // They end when they are read, and not before.
    const streams = countTo(3).map(() => sparkStream(fixture.spark.range(25), { readAheadBytes: 1 }));
    await within(SOON, () => expect(listeners()).to.deep.equal(before.map((count) => count + 1)));
    await Promise.all(streams.map((stream) => stream.toArray()));
    expect(listeners()).to.deep.equal(before);
    await sparkStream(fixture.spark.range(3))[Symbol.asyncIterator]().return?.();
    await fixture.spark.range(3).execute();
    await within(SOON, () => expect(listeners()).to.deep.equal(before));
  });

  it("are gone after a query that failed, one that was stopped, and with the session", async () => {
    const before = listeners();
    await using failed = await scripted({ batches, faults: [{ after: 1, do: { status: { message: "no" } } }] });
    await errorOf(sparkStream(failed.spark.range(3)).toArray());
    await using fixture = await scripted(endless);
    const [stream, left] = [0, 1].map(() => sparkStream(fixture.spark.range(3)));
    for (const each of [stream!, left!]) await each[Symbol.asyncIterator]().next();
    stream!.destroy();
    left!.on("error", () => {});
    await fixture.spark.close();
    await within(SOON, () => expect(listeners()).to.deep.equal(before));
  });

  it("are not made in a worker thread, where no signals come", async () => {
    await using server = await startScriptedServer(endless);
    const script = `
      const { parentPort } = require("node:worker_threads");
      import("tsx/esm/api").then(({ register }) => register()).then(() => import("${entry}")).then(async ({ connect, sparkStream }) => {
        const spark = await connect("${server.url}");
        const stream = sparkStream(spark.range(25));
        await stream[Symbol.asyncIterator]().next();
        parentPort.postMessage(process.listenerCount("SIGINT"));
      });`;
    const worker = new Worker(script, { eval: true, execArgv: [] });
    expect(await once(worker, "message")).to.deep.equal([0]);
    await worker.terminate();
  });
});
