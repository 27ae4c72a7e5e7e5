// A signal ends whatever runs on the server, and a tag finds it: also what has to run before a stream can begin.
import { type EventEmitter, once } from "node:events";
import { expect } from "chai";
import {
  type DataFrame,
  ndjsonWriter,
  type RunOptions,
  type SparkSession,
  SparkStreamError,
  sparkStream,
} from "../../lib/index.js";
import type { RespondWith, ScriptedMethod, ScriptedServer, ScriptedServerOptions } from "../../lib/testing/index.js";
import { countTo, errorOf, idBatches, scripted, timeOf, within } from "../support/scripted.js";

/** ms within which a call has settled after an abort, whatever the server does. */
const SETTLED = 2_000;
/** ms in which a machine that is busy gets round to something. */
const SOON = 5_000;

const batches = idBatches(10, 5);
const never = () => new Promise<never>(() => {});

/** A server that never answers these calls. */
const silent = (...methods: ScriptedMethod[]): ScriptedServerOptions => ({
  batches,
  respond: Object.fromEntries(methods.map((method) => [method, never])) as RespondWith,
});
/** One whose queries and commands run on and on. */
const endless: ScriptedServerOptions = { batches, faults: [{ do: "stall" }] };

const insert = (spark: SparkSession) => spark.sql("INSERT INTO t SELECT 1");

const stopped = ({ operations }: ScriptedServer) => operations.map((operation) => operation.stopped);

async function expectAborted(running: Promise<unknown>, abort: AbortController): Promise<void> {
  const reason = new Error("the user went away");
  abort.abort(reason);
  const error = await Promise.race([running.then(() => "done"), timeout(SETTLED)]).catch((thrown) => thrown);
  expect(error).to.be.instanceOf(Error);
  expect({ name: error.name, code: error.code, cause: error.cause }).to.deep.equal({
    name: "AbortError",
    code: "ABORT_ERR",
    cause: reason,
  });
}

function timeout(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, `nothing within ${ms} ms`).unref());
}

describe("a call with a signal", () => {
  type Call = (spark: SparkSession, options: RunOptions) => Promise<unknown>;

  const executions: Record<string, Call> = {
    "df.execute()": (spark, options) => spark.range(3).execute(options),
    "execute() of a command": (spark, options) => insert(spark).execute(options),
    "count()": (spark, options) => spark.range(3).count(options),
    "count() of a command": (spark, options) => insert(spark).count(options),
    "schema() of a command": (spark, options) => insert(spark).schema(options),
    "explain() of a command": (spark, options) => insert(spark).explain("simple", options),
    "createOrReplaceTempView()": (spark, options) => spark.range(3).createOrReplaceTempView("v", options),
    "write.save()": (spark, options) => spark.range(3).write.save("/nowhere", options),
    "write.saveAsTable()": (spark, options) => spark.range(3).write.saveAsTable("t", options),
    "write.save() of a command": (spark, options) => insert(spark).write.save("/nowhere", options),
    "sparkStream()": (spark, options) => sparkStream(spark.range(3), options).toArray(),
    "sparkStream() of a command": (spark, options) => sparkStream(insert(spark), options).toArray(),
    "sparkStream() of a frame made of a command": (spark, options) =>
      sparkStream(spark.range(3).union(insert(spark).select("id")), options).toArray(),
    "a staged stream of a command": (spark, options) =>
      sparkStream(insert(spark), { ...options, delivery: "staged" }).toArray(),
    "a pushed stream of a command": (spark, options) =>
      sparkStream(insert(spark), { ...options, delivery: "push" }).toArray(),
    "a stream that is staged": (spark, options) =>
      sparkStream(spark.range(3), { ...options, delivery: "staged" }).toArray(),
    "a stream that is pushed": (spark, options) =>
      sparkStream(spark.range(3), { ...options, delivery: "push" }).toArray(),
  };
  it("ends within two seconds of an abort, and its job with it, and a tag finds it, whatever runs on Spark for it", async () => {
    // Side by side, since the server is given a moment to begin with a job before that is interrupted.
    const problems = await Promise.all(
      Object.entries(executions).map(async ([name, call]) => {
        await using fixture = await scripted(endless);
        const abort = new AbortController();
        const running = call(fixture.spark, { signal: abort.signal, tags: ["nightly"] });
        running.catch(() => {});
        try {
          await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
          expect(fixture.server.operations[0]!.tags).to.deep.equal(["nightly"]);
          await expectAborted(running, abort);
          await within(SOON, () => expect(stopped(fixture.server)).to.deep.equal([true]));
          return [];
        } catch (error) {
          return [`${name}: ${(error as Error).message}`];
        }
      }),
    );
    expect(problems.flat()).to.deep.equal([]);
  });

  const unary: Record<string, [ScriptedMethod, Call]> = {
    "version()": ["analyzePlan", (spark, options) => spark.version(options)],
    "schema()": ["analyzePlan", (spark, options) => spark.range(3).schema(options)],
    "explain()": ["analyzePlan", (spark, options) => spark.range(3).explain("simple", options)],
    "conf.get()": ["config", (spark, { signal }) => spark.conf.get("key", undefined, { signal })],
    "conf.set()": ["config", (spark, { signal }) => spark.conf.set("key", 1, { signal })],
    "conf.unset()": ["config", (spark, { signal }) => spark.conf.unset("key", { signal })],
    "interruptAll()": ["interrupt", (spark, { signal }) => spark.interruptAll({ signal })],
    "interruptTag()": ["interrupt", (spark, { signal }) => spark.interruptTag("t", { signal })],
    "interruptOperation()": ["interrupt", (spark, { signal }) => spark.interruptOperation("id", { signal })],
    "a stream with a setting of its own": [
      "config",
      (spark, options) => sparkStream(spark.range(3), { ...options, maxRecordsPerBatch: 5 }).toArray(),
    ],
    "a stream with a requested schema": [
      "analyzePlan",
      (spark, options) => sparkStream(spark.range(3), { ...options, requestedSchema: batches[0]!.schema }).toArray(),
    ],
    "a staged stream": [
      "analyzePlan",
      (spark, options) => sparkStream(spark.range(3), { ...options, delivery: "staged" }).toArray(),
    ],
    "a pushed stream": [
      "analyzePlan",
      (spark, options) => sparkStream(spark.range(3), { ...options, delivery: "push" }).toArray(),
    ],
  };
  for (const [name, [method, call]] of Object.entries(unary)) {
    it(`ends within two seconds of an abort, though the server does not answer: ${name}`, async () => {
      let isSilent = false;
      await using fixture = await scripted({
        batches,
        respond: { [method]: () => (isSilent ? never() : undefined) } as RespondWith,
      });
      isSilent = true;
      const before = fixture.server.requests.length;
      const abort = new AbortController();
      const running = call(fixture.spark, { signal: abort.signal });
      running.catch(() => {});
      await within(SOON, () => expect(fixture.server.requests.length).to.be.above(before));
      await expectAborted(running, abort);
    });
  }

  it("sends nothing if it is aborted already", async () => {
    await using fixture = await scripted({ batches });
    const before = fixture.server.requests.length;
    const signal = AbortSignal.abort();
    for (const [name, call] of Object.entries(executions)) {
      const error = await call(fixture.spark, { signal }).catch((thrown) => thrown);
      expect(error, name).to.have.property("name", "AbortError");
    }
    expect(fixture.server.requests.slice(before).filter(({ method }) => method === "executePlan")).to.deep.equal([]);
  });

  it("ends within two seconds of an abort, though a token is never given", async () => {
    let gives = true;
    const token = () => (gives ? "t" : never());
    await using fixture = await scripted({ batches, token: "t" }, { token });
    gives = false;
    const abort = new AbortController();
    const running = [
      fixture.spark.version({ signal: abort.signal }),
      sparkStream(fixture.spark.range(3), { signal: abort.signal }).toArray(),
    ];
    for (const each of running) each.catch(() => {});
    for (const each of running) await expectAborted(each, abort);
    gives = true;
  });

  it("does not end another one that has no part in it", async () => {
    await using fixture = await scripted({ batches });
    const abort = new AbortController();
    const stream = sparkStream(fixture.spark.range(3), { signal: abort.signal });
    stream.on("error", () => {});
    const other = sparkStream(fixture.spark.range(3)).toArray();
    abort.abort();
    expect(await other).to.have.length(2);
  });

  it("refuses options that it does not know", async () => {
    await using fixture = await scripted({ batches });
    const frame = fixture.spark.range(3);
    const unknown = { signals: [] } as RunOptions;
    const calls = [
      frame.execute(unknown),
      frame.count({ tags: ["a,b"] }),
      frame.schema({ signal: "now" as unknown as AbortSignal }),
      fixture.spark.conf.get("key", "", { tags: ["t"] } as RunOptions),
      frame.write.save("/nowhere", unknown),
      fixture.spark.interruptAll(unknown),
    ];
    for (const call of calls) expect((await errorOf(call)).code).to.equal("INVALID_ARGUMENT");
    expect((await errorOf(frame.execute(unknown))).message).to.equal(
      'Unknown option "signals" of execute(). Did you mean "signal"? Known options: signal, tags.',
    );
  });

  it("has no listener left on its signal afterwards", async () => {
    await using fixture = await scripted({ batches });
    const { signal } = new AbortController();
    const { getEventListeners } = await import("node:events");
    await fixture.spark.range(3).execute({ signal });
    await fixture.spark.version({ signal });
    await sparkStream(insert(fixture.spark), { signal }).toArray();
    await within(SOON, () => expect(getEventListeners(signal, "abort")).to.deep.equal([]));
  });
});

describe("one signal for thirty streams, calls and writers", () => {
  it("warns of nothing, and ends them all", async () => {
    await using fixture = await scripted(endless);
    const abort = new AbortController();
    const { signal } = abort;
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on("warning", warn);
    try {
      const writers = countTo(15).map(() => ndjsonWriter("/tmp/never-written.ndjson", { signal }));
      const running = [
        ...countTo(15).map(() => sparkStream(fixture.spark.range(3), { signal }).toArray()),
        ...countTo(15).map(() => fixture.spark.range(3).execute({ signal })),
        ...writers.map((writer) => once(writer as EventEmitter, "close")),
      ];
      for (const each of running) each.catch(() => {});
      await within(SOON, () => expect(fixture.server.operations).to.have.length(30));
      abort.abort();
      for (const each of running) {
        expect(await each.catch((error) => error)).to.have.property("name", "AbortError");
      }
      await within(SOON, () => expect(stopped(fixture.server)).to.deep.equal(countTo(30).map(() => true)));
      expect(warnings).to.deep.equal([]);
    } finally {
      process.off("warning", warn);
    }
  });
});

describe("a SQL command that several uses wait for", () => {
  it("runs on while one of them still waits, and is interrupted when the last gives up", async () => {
    await using fixture = await scripted(endless);
    const command = insert(fixture.spark);
    const aborts = countTo(3).map(() => new AbortController());
    const [first, second, third] = aborts.map(({ signal }) => command.execute({ signal })) as [
      Promise<void>,
      Promise<void>,
      Promise<void>,
    ];
    for (const use of [first, second, third]) use.catch(() => {});
    await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
    await expectAborted(first, aborts[0]!);
    await expectAborted(third, aborts[2]!);
    expect(stopped(fixture.server)).to.deep.equal([false]);
    await expectAborted(second, aborts[1]!);
    await within(SOON, () => expect(stopped(fixture.server)).to.deep.equal([true]));
  });

  it("is not run again after it was interrupted, since what it did is not known", async () => {
    await using fixture = await scripted(endless);
    const command: DataFrame = insert(fixture.spark);
    const abort = new AbortController();
    const running = command.execute({ signal: abort.signal });
    running.catch(() => {});
    await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
    await expectAborted(running, abort);
    const error = await errorOf(command.execute());
    expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "OPERATION_CANCELED");
    expect(error.message).to.match(/Call spark\.sql\(\) again/);
    expect(fixture.server.operations).to.have.length(1);
  });

  it("is interrupted by destroy() of the stream that waits for it", async () => {
    await using fixture = await scripted(endless);
    const stream = sparkStream(insert(fixture.spark));
    await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
    stream.destroy();
    await within(SOON, () => expect(stopped(fixture.server)).to.deep.equal([true]));
    expect(fixture.server.operations).to.have.length(1);
  });
});

describe("closing a session", () => {
  it("waits for the stopping that still goes on behind its streams", async () => {
    const respond: RespondWith = { interrupt: () => new Promise((resolve) => setTimeout(resolve, 1_500, undefined)) };
    const fixture = await scripted({ ...endless, respond });
    const stream = sparkStream(fixture.spark.range(3));
    stream.on("error", () => {});
    await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
    stream.destroy();
    await once(stream, "close");
    expect(stopped(fixture.server)).to.deep.equal([false]);
    await fixture.spark.close();
    const methods = fixture.server.requests.map(({ method }) => method);
    expect(methods.indexOf("interrupt")).to.be.within(1, methods.indexOf("releaseSession"));
    expect(methods.indexOf("releaseExecute")).to.be.within(1, methods.indexOf("releaseSession"));
    await fixture.server.close();
  });

  it("comes to an end with a server that does not answer any more", async () => {
    const fixture = await scripted({ ...endless, ...silent("interrupt", "releaseExecute", "releaseSession") });
    const stream = sparkStream(fixture.spark.range(3));
    stream.on("error", () => {});
    await within(SOON, () => expect(fixture.server.operations).to.have.length(1));
    stream.destroy();
    expect(await timeOf(fixture.spark.close())).to.be.below(10_000 + SOON);
    await fixture.server.close();
  });
});
