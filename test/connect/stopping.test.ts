// What is stopped here must stop on the server: a query that is left behind runs on and fills the driver's memory.
import { execFile } from "node:child_process";
import { Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect } from "chai";
import { connect, type SparkSession, type SparkStream, sparkStream } from "../../lib/index.js";
import {
  type ScriptedResult,
  type ScriptedServer,
  type ScriptedServerOptions,
  startScriptedServer,
} from "../../lib/testing/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { idBatches, ownTimeOf, scripted, within } from "../support/scripted.js";

const batches = idBatches(10, 10, 5);

/** ms within which the server must know. */
const SOON = 1000;
/** ms within which a stream has ended here, whatever the server does. */
const SETTLED = 2000;

const open = (spark: SparkSession) => sparkStream(spark.sql("SELECT id FROM t"));

function expectReleased(server: ScriptedServer): void {
  expect(server.operations.map(({ state, attached }) => ({ state, attached }))).to.deep.equal(
    server.operations.map(() => ({ state: "released", attached: false })),
  );
}

async function closed(stream: SparkStream): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", () => resolve()));
}

describe("a stream that is stopped", () => {
  const ways: Record<string, (stream: SparkStream) => Promise<unknown>> = {
    "destroy()": async (stream) => {
      await stream[Symbol.asyncIterator]().next();
      stream.destroy();
    },
    "destroy() with an error": async (stream) => {
      stream.on("error", () => {});
      await new Promise((resolve) => stream.once("readable", resolve));
      stream.destroy(new Error("enough"));
    },
    "break out of for await": async (stream) => {
      for await (const _ of stream) break;
    },
    "an error within for await": async (stream) => {
      const broken = async () => {
        for await (const _ of stream) throw new Error("mine");
      };
      await broken().catch((error) => expect(error.message).to.equal("mine"));
    },
    "leaving the block of await using": async (opened) => {
      await using stream = opened;
      await stream[Symbol.asyncIterator]().next();
    },
    "a later stage that fails": async (stream) => {
      const stage = new Transform({ objectMode: true, transform: (_batch, _encoding, done) => done(new Error("odd")) });
      const target = new Writable({ objectMode: true, write: (_batch, _encoding, done) => done() });
      await pipeline(stream, stage, target).catch((error) => expect(error.message).to.equal("odd"));
    },
    "a target that fails": async (stream) => {
      const target = new Writable({ objectMode: true, write: (_batch, _encoding, done) => done(new Error("full")) });
      await pipeline(stream, target).catch((error) => expect(error.message).to.equal("full"));
    },
    "a pipeline that is aborted": async (stream) => {
      const abort = new AbortController();
      const target = new Writable({ objectMode: true, write: () => abort.abort() });
      await pipeline(stream, target, { signal: abort.signal }).catch((error) =>
        expect(error.name).to.equal("AbortError"),
      );
    },
  };
  for (const [way, stop] of Object.entries(ways)) {
    it(`by ${way} stops the query on the server within a second`, async () => {
      await using fixture = await scripted({ batches, faults: [{ after: 3, do: "stall" }] });
      const stream = open(fixture.spark);
      await stop(stream);
      await within(SOON, () => expectReleased(fixture.server));
      expect(fixture.server.operations[0]!.stopped).to.equal(true);
      await closed(stream);
    });
  }

  it("by its signal stops the query, and fails with AbortError", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 3, do: "stall" }] });
    const abort = new AbortController();
    const stream = sparkStream(fixture.spark.sql("SELECT 1"), { signal: abort.signal });
    const rows = stream.toArray();
    await within(SOON, () => expect(fixture.server.operations[0]?.responsesSent).to.equal(3));
    abort.abort();
    expect((await rows.catch((error) => error)).name).to.equal("AbortError");
    await within(SOON, () => expectReleased(fixture.server));
  });

  const noAnswer: Record<string, ScriptedServerOptions> = {
    "while the first response is awaited": { batches, faults: [{ do: "stall" }] },
    "while the server still looks at the plan": {
      respond: { executePlan: () => new Promise<ScriptedResult>(() => {}) },
    },
  };
  for (const [when, options] of Object.entries(noAnswer)) {
    it(`${when} closes within two seconds, and has the query stopped when no job has begun for a while`, async () => {
      await using fixture = await scripted(options);
      const stream = open(fixture.spark);
      stream.on("error", () => {});
      await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
      stream.destroy();
      expect(await ownTimeOf(closed(stream))).to.be.below(SETTLED);
      await within(4000, () => expectReleased(fixture.server));
    });
  }

  it("at once never runs its query", async () => {
    await using fixture = await scripted({ batches });
    const stream = open(fixture.spark).destroy();
    expect(await ownTimeOf(closed(stream))).to.be.below(100);
    await fixture.spark.version(); // a call that comes after whatever was on its way
    expect(fixture.server.requests.map(({ method }) => method)).not.to.include("executePlan");
  });

  it("with a signal that is aborted already never runs its query", async () => {
    await using fixture = await scripted({ batches });
    const stream = sparkStream(fixture.spark.sql("SELECT 1"), { signal: AbortSignal.abort() });
    expect((await stream.toArray().catch((error) => error)).name).to.equal("AbortError");
    expect(fixture.server.operations).to.deep.equal([]);
  });

  it("at any moment of its start leaves nothing behind", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 3, do: "stall" }] });
    // How far a stream comes in a turn of the event loop depends on the machine: until some have come as far as their query.
    for (let turns = 0; turns < 60 || fixture.server.operations.length < 10; turns++) {
      const stream = open(fixture.spark);
      stream.on("error", () => {});
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      stream.destroy();
      await closed(stream);
    }
    await within(SOON, () => expectReleased(fixture.server));
  });

  it("on a slow network leaves nothing behind, whichever of its messages is on its way", async () => {
    await using server = await startScriptedServer({ batches, faults: [{ after: 3, do: "stall" }] });
    await using proxy = await startFaultProxy({ port: server.port }, () => ({ latencyMs: 60 }));
    await using spark = await connect(`sc://127.0.0.1:${proxy.port}`);
    const stopAfter = async (ms: number) => {
      const stream = open(spark);
      stream.on("error", () => {});
      await sleep(ms); // the moment is what is tried
      stream.destroy();
      await closed(stream);
    };
    await Promise.all([5, 20, 40, 60, 80, 100, 120, 140, 180, 240].map(stopAfter));
    await within(SOON, () => expectReleased(server));
    expect(server.operations).not.to.have.length(0);
  });

  it("while the connection is being restored does not wait for that", async () => {
    const busy = { status: { message: "busy", errorClass: "BUSY", retryAfterMs: 60_000 } };
    await using fixture = await scripted({ batches, faults: [{ after: 2, do: busy }] });
    const stream = open(fixture.spark);
    await stream[Symbol.asyncIterator]().next();
    await within(SOON, () => expect(fixture.server.operations[0]!.attached).to.equal(false));
    stream.destroy();
    expect(await ownTimeOf(closed(stream))).to.be.below(SOON);
    expectReleased(fixture.server);
  });

  it("closes also where the server does not answer to the release", async () => {
    const respond = { releaseExecute: () => new Promise<undefined>(() => {}) };
    await using fixture = await scripted({ batches, respond, faults: [{ after: 2, do: "stall" }] });
    const stream = open(fixture.spark);
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    expect(await ownTimeOf(closed(stream))).to.be.below(SETTLED);
  });
});

describe("a process whose streams have ended", () => {
  it("exits by itself though its session was not closed, and nothing is left on the server", async () => {
    await using server = await startScriptedServer({ batches, faults: [{ operation: 1, after: 3, do: "stall" }] });
    const entry = new URL("../../lib/index.ts", import.meta.url).href;
    const script = `
      import { connect, sparkStream } from "${entry}";
      const spark = await connect("${server.url}");
      console.log((await sparkStream(spark.range(25)).toArray()).length);
      for await (const _ of sparkStream(spark.range(25))) break;`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 40_000 });
    expect(stdout).to.equal("3\n");
    expect(server.operations).to.have.length(2);
    expectReleased(server);
  });
});

describe("a stream that ends", () => {
  it("releases its operation when all was read", async () => {
    await using fixture = await scripted({ batches });
    await open(fixture.spark).toArray();
    await within(SOON, () => expectReleased(fixture.server));
    expect(fixture.server.operations[0]!.stopped).to.equal(false);
  });

  it("releases its operation when it failed", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 2, do: "corrupt" }] });
    await open(fixture.spark)
      .toArray()
      .catch(() => {});
    await within(SOON, () => expectReleased(fixture.server));
  });

  it("tells the server now and then what it need not keep any more", async () => {
    const [batch] = idBatches(256 * 1024);
    await using fixture = await scripted({ batches: Array.from({ length: 72 }, () => batch!) });
    await open(fixture.spark).toArray();
    const releases = () => fixture.server.requests.filter(({ method }) => method === "releaseExecute");
    await within(SOON, () => expect(releases()).to.have.length(3)); // 144 MiB, every 64 MiB, and the last
    expect(fixture.server.operations[0]!.lastReleaseUntil).to.be.a("string");
  });
});
