import { randomUUID } from "node:crypto";
import { mock } from "node:test";
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { connect, type SparkSession, sparkStream } from "../../lib/index.js";
import {
  type RespondWith,
  type ScriptedRequest,
  type ScriptedServer,
  type ScriptedSession,
  sparkError,
  startScriptedServer,
} from "../../lib/testing/index.js";
import { countTo, errorOf, idBatches, idsOf, scripted, within } from "../support/scripted.js";

const ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch";
const CODEC = "spark.sql.execution.arrow.compression.codec";
/** ms; much longer than it takes, for a busy machine. */
const SOON = 20_000;

function clonesOf({ sessions }: ScriptedServer): ScriptedSession[] {
  return sessions.filter(({ clonedFrom }) => clonedFrom !== undefined);
}

function calls<M extends ScriptedRequest["method"]>({ requests }: ScriptedServer, method: M) {
  return requests.filter((request): request is Extract<ScriptedRequest, { method: M }> => request.method === method);
}

/** What was set and unset in this session, beyond how often progress is reported. */
function changesOf(server: ScriptedServer, sessionId: string): unknown[] {
  return calls(server, "config").flatMap(({ message }): unknown[] => {
    const op = message.operation?.opType;
    if (message.sessionId !== sessionId || (op?.case !== "set" && op?.case !== "unset")) return [];
    if (op.case === "unset") return op.value.keys;
    return op.value.pairs.filter(({ key }) => !key.startsWith("spark.connect.")).map(({ key, value }) => [key, value]);
  });
}

async function expectAllReleased(server: ScriptedServer): Promise<void> {
  await within(SOON, () => {
    expect(clonesOf(server).filter(({ released }) => !released)).to.deep.equal([]);
  });
}

/** The server's side of a query that is being planned until `go` is called. */
function heldBack(isHeld: (sessionId: string) => boolean) {
  let go = () => {};
  const until = new Promise<void>((resolve) => {
    go = resolve;
  });
  const executePlan: RespondWith["executePlan"] = async ({ sessionId }) => {
    if (isHeld(sessionId)) await until;
    return undefined;
  };
  return { go: () => go(), respond: { executePlan } };
}

const first = (spark: SparkSession) => spark.client.sessionId;

describe("A query with settings of its own", () => {
  it("runs in a clone that has them, which is released, and the session is never touched", async () => {
    await using both = await scripted({ batches: idBatches(3), conf: { [ROWS]: "10000" } });
    const { server, spark } = both;
    await spark.conf.set("spark.sql.ansi.enabled", false);
    const { ids } = await idsOf(sparkStream(spark.range(3), { maxRecordsPerBatch: 5, compression: "none" }));
    expect(ids).to.deep.equal(countTo(3));
    await expectAllReleased(server);

    const [clone, ...others] = clonesOf(server);
    expect(others).to.deep.equal([]);
    expect(clone!.clonedFrom).to.equal(first(spark));
    expect(Object.fromEntries(clone!.conf)).to.include({
      [ROWS]: "5",
      [CODEC]: "none",
      "spark.sql.ansi.enabled": "false",
    });
    expect(changesOf(server, first(spark))).to.deep.equal([["spark.sql.ansi.enabled", "false"]]);
    expect(server.conf.get(ROWS)).to.equal("10000");
    const inClone = ["executePlan", "releaseExecute", "releaseSession"] as const;
    for (const method of inClone) {
      expect(
        calls(server, method).map(({ message }) => message.sessionId),
        method,
      ).to.deep.equal([clone!.sessionId]);
    }
  });

  it("makes nobody wait while it is planned, whatever settings they have", async () => {
    let planning: string | undefined;
    const { go, respond } = heldBack((sessionId) => {
      planning ??= sessionId;
      return sessionId === planning;
    });
    await using both = await scripted({ batches: idBatches(3), respond });
    const { server, spark } = both;
    const slow = idsOf(sparkStream(spark.range(3), { maxRecordsPerBatch: 5 }));
    await within(SOON, () => expect(planning).to.be.a("string"));

    const others = [{}, { maxRecordsPerBatch: 7 }, { compression: "zstd" }] as const;
    const results = await Promise.all(others.map((options) => idsOf(sparkStream(spark.range(3), options))));
    for (const { ids } of results) expect(ids).to.deep.equal(countTo(3));
    expect(await spark.range(3).count()).to.equal(0); // the scripted server does not count: its first row's value is 0
    expect(changesOf(server, first(spark))).to.deep.equal([]);
    go();
    expect((await slow).ids).to.deep.equal(countTo(3));
  });

  it("shares a clone with those that run meanwhile, as long as settings and session are the same", async () => {
    const { go, respond } = heldBack(() => true);
    await using both = await scripted({ batches: idBatches(1), respond });
    const { server, spark } = both;
    const running: Promise<unknown>[] = [];
    const start = async (options: object) => {
      running.push(idsOf(sparkStream(spark.range(1), options)));
      await within(SOON, () => expect(server.operations).to.have.length(running.length));
    };
    await start({ maxRecordsPerBatch: 5 });
    await start({ maxRecordsPerBatch: 5 });
    expect(clonesOf(server)).to.have.length(1);
    await start({ maxRecordsPerBatch: 6 });
    expect(clonesOf(server)).to.have.length(2);
    await spark.conf.set("spark.sql.ansi.enabled", false);
    await start({ maxRecordsPerBatch: 5 });
    expect(clonesOf(server)).to.have.length(3);
    expect(clonesOf(server)[2]!.conf.get("spark.sql.ansi.enabled")).to.equal("false");
    go();
    await Promise.all(running);
    await expectAllReleased(server);

    // Behind them all, nothing is left to share.
    await idsOf(sparkStream(spark.range(1), { maxRecordsPerBatch: 5 }));
    expect(clonesOf(server)).to.have.length(4);
  });

  it("sees a view that was made a moment before, though another query runs in an older clone", async () => {
    const { go, respond } = heldBack((sessionId) => clonesOf(server)[0]?.sessionId === sessionId);
    const server = await startScriptedServer({ batches: idBatches(1), respond });
    const spark = await connect(server.url);
    const older = idsOf(sparkStream(spark.range(1), { maxRecordsPerBatch: 5 }));
    await within(SOON, () => expect(server.operations).to.have.length(1));
    await spark.range(1).createOrReplaceTempView("v");
    await idsOf(sparkStream(spark.table("v"), { maxRecordsPerBatch: 5 }));
    const executed = calls(server, "executePlan").map(({ message }) => message.sessionId);
    expect(executed.at(-1)).to.equal(clonesOf(server)[1]!.sessionId);
    go();
    await older;
    await spark.close();
    await server.close();
  });

  it("runs in a clone that sees what its own SQL command did", async () => {
    await using both = await scripted({ batches: idBatches(1) });
    const { server, spark } = both;
    await idsOf(sparkStream(spark.sql("WITH a AS (SELECT 1) SELECT * FROM a"), { maxRecordsPerBatch: 5 }));
    const order = server.requests.filter(({ method }) => method === "executePlan" || method === "cloneSession");
    expect(order.map(({ method }) => method)).to.deep.equal(["executePlan", "cloneSession", "executePlan"]);
    const [command, , query] = order.map(({ message }) => message.sessionId);
    expect([command, query]).to.deep.equal([first(spark), clonesOf(server)[0]!.sessionId]);
  });

  it("shares no clone in a session whose id others may know", async () => {
    const joined = await startScriptedServer({ batches: idBatches(1) });
    for (const sessionId of [randomUUID(), undefined]) {
      const spark = await connect(joined.url, sessionId === undefined ? {} : { sessionId });
      if (sessionId === undefined) void spark.sessionId;
      const before = clonesOf(joined).length;
      const streams = [1, 2].map(() => sparkStream(spark.range(1), { maxRecordsPerBatch: 5 }));
      await Promise.all(streams.map((stream) => idsOf(stream)));
      expect(clonesOf(joined)).to.have.length(before + 2);
      await spark.close();
    }
    await joined.close();
  });

  it("is found by interruptTag, interruptOperation and interruptAll of its session", async () => {
    await using both = await scripted({ batches: idBatches(1, 1), faults: [{ after: 2, do: "stall" }] });
    const { server, spark } = both;
    const interrupts = [
      () => spark.interruptTag("mine"),
      () => spark.interruptOperation(server.operations.at(-1)!.operationId),
      () => spark.interruptAll(),
    ];
    for (const [index, interrupt] of interrupts.entries()) {
      const result = idsOf(sparkStream(spark.range(2), { maxRecordsPerBatch: 5, tags: ["mine"] }));
      await within(SOON, () => expect(server.operations[index]?.responsesSent).to.equal(2));
      expect(await interrupt()).to.deep.equal([server.operations[index]!.operationId]);
      expect((await result).error?.code).to.equal("OPERATION_CANCELED");
    }
    await expectAllReleased(server);
  });

  it("leaves nothing behind when its stream is destroyed, or its session closed", async () => {
    await using both = await scripted({ batches: idBatches(1, 1), faults: [{ after: 2, do: "stall" }] });
    const { server, spark } = both;
    const destroyed = sparkStream(spark.range(2), { maxRecordsPerBatch: 5 });
    await destroyed.iterator({ destroyOnReturn: false }).next();
    destroyed.destroy();
    await within(SOON, () => expect(server.operations[0]?.stopped).to.equal(true));
    await expectAllReleased(server);

    const closed = idsOf(sparkStream(spark.range(2), { maxRecordsPerBatch: 5 }));
    await within(SOON, () => expect(server.operations[1]?.responsesSent).to.equal(2));
    await spark.close();
    expect(server.sessions.filter(({ released }) => !released)).to.deep.equal([]);
    expect((await closed).error?.code).to.equal("SESSION_CLOSED");
  });

  it("is not run when its stream is destroyed before there is a clone", async () => {
    let go = () => {};
    const until = new Promise<undefined>((resolve) => {
      go = () => resolve(undefined);
    });
    await using both = await scripted({ batches: idBatches(1), respond: { cloneSession: () => until } });
    const { server, spark } = both;
    const stream = sparkStream(spark.range(1), { maxRecordsPerBatch: 5 });
    stream.resume().on("error", () => {});
    await within(SOON, () => expect(calls(server, "cloneSession")).to.have.length(1));
    stream.destroy();
    go();
    await within(SOON, () => expect(clonesOf(server)).to.have.length(1));
    await expectAllReleased(server);
    expect(calls(server, "executePlan")).to.deep.equal([]);
  });

  it("fails with the whole story, asked for in its clone", async () => {
    const executePlan = () => {
      throw sparkError({
        message: "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012",
        errorClass: "DIVIDE_BY_ZERO",
        sqlState: "22012",
        queryContext: [{ type: "sql", fragment: "1/0" }],
      });
    };
    await using both = await scripted({ batches: idBatches(1), respond: { executePlan } });
    const { server, spark } = both;
    const error = await errorOf(sparkStream(spark.range(1), { maxRecordsPerBatch: 5 }).toArray());
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: "DIVIDE_BY_ZERO" });
    expect(error.queryContext?.[0]?.fragment).to.equal("1/0");
    const [clone] = clonesOf(server);
    expect(calls(server, "fetchErrorDetails").map(({ message }) => message.sessionId)).to.deep.equal([
      clone!.sessionId,
    ]);
    await expectAllReleased(server);
  });

  it("survives cut connections, as any other", async () => {
    const faults = [
      { stream: 0, after: 2, do: "cut" },
      { stream: 1, after: 1, do: "end" },
    ] as const;
    await using both = await scripted({ batches: idBatches(2, 2, 2), faults });
    const { server, spark } = both;
    const { ids } = await idsOf(sparkStream(spark.range(6), { maxRecordsPerBatch: 5 }));
    expect(ids).to.deep.equal(countTo(6));
    const sessions = calls(server, "reattachExecute").map(({ message }) => message.sessionId);
    expect(new Set(sessions)).to.deep.equal(new Set([clonesOf(server)[0]!.sessionId]));
  });

  it("fails with SESSION_LOST if the server has lost its clone", async () => {
    const faults = [{ after: 2, do: { sessionId: randomUUID() } }];
    await using both = await scripted({ batches: idBatches(1, 1), faults });
    const { error } = await idsOf(sparkStream(both.spark.range(2), { maxRecordsPerBatch: 5 }));
    expect(error?.code).to.equal("SESSION_LOST");
  });

  it("gets another clone, and the first is released, if the answer to CloneSession was lost", async () => {
    let attempts = 0;
    const cloneSession = () => {
      if (++attempts > 1) return undefined;
      const errorClass = "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS";
      throw sparkError({ message: `[${errorClass}] …`, errorClass, sqlState: "42K04" });
    };
    await using both = await scripted({ batches: idBatches(2), respond: { cloneSession } });
    const { server, spark } = both;
    expect((await idsOf(sparkStream(spark.range(2), { maxRecordsPerBatch: 5 }))).ids).to.deep.equal(countTo(2));
    const wanted = calls(server, "cloneSession").map(({ message }) => message.newSessionId);
    expect(new Set(wanted).size).to.equal(2);
    await within(SOON, () => {
      expect(calls(server, "releaseSession").map(({ message }) => message.sessionId)).to.include.members(wanted);
    });
  });

  it("says what is wrong with a setting that the server refuses, and leaves no clone", async () => {
    const config: RespondWith["config"] = ({ operation }) => {
      const op = operation?.opType;
      if (op?.case !== "set" || !op.value.pairs.some(({ key }) => key === ROWS)) return undefined;
      throw sparkError({ message: "[CANNOT_MODIFY_CONFIG] no", errorClass: "CANNOT_MODIFY_CONFIG", sqlState: "46110" });
    };
    await using both = await scripted({ batches: idBatches(2), respond: { config } });
    const error = await errorOf(sparkStream(both.spark.range(2), { maxRecordsPerBatch: 5 }).toArray());
    expect(error.errorClass).to.equal("CANNOT_MODIFY_CONFIG");
    await expectAllReleased(both.server);
  });

  it("keeps its session alive while it runs for hours in a clone", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      await using both = await scripted({ batches: idBatches(1, 1), faults: [{ after: 2, do: "stall" }] });
      const { server, spark } = both;
      const stream = sparkStream(spark.range(2), { maxRecordsPerBatch: 5 });
      await stream.iterator({ destroyOnReturn: false }).next();
      const signs = () =>
        calls(server, "analyzePlan").filter(({ message }) => message.sessionId === first(spark)).length;
      expect(signs()).to.equal(0);
      mock.timers.tick(3_600_000);
      await within(SOON, () => expect(signs()).to.be.at.least(1));
      stream.destroy();
      await expectAllReleased(server);
      const before = signs();
      mock.timers.tick(3_600_000);
      expect(signs()).to.equal(before);
    } finally {
      mock.timers.reset();
    }
  });
});

/**
 * Spark starts Python for each session. In a clone for each query, every pushed or stored stream waited for that: 1.2 s until its
 * first batch, and not 0.15.
 */
describe("A query with settings of its own and Python functions", () => {
  const runPython = async (spark: SparkSession, rows = "5") => {
    const use = { conf: { [ROWS]: rows }, usesPython: true };
    await spark.withQuerySession(spark.range(1), use, (querySession) => querySession.release());
  };

  it("runs in the clone of the one before it, until the session is changed or closed", async () => {
    await using both = await scripted({ batches: idBatches(1) });
    const { server, spark } = both;
    await runPython(spark);
    await runPython(spark);
    expect(clonesOf(server)).to.have.length(1);
    await runPython(spark, "6");
    expect(clonesOf(server)).to.have.length(2);
    await spark.conf.set("spark.sql.ansi.enabled", false);
    await runPython(spark);
    expect(clonesOf(server)).to.have.length(3);
    await within(SOON, () =>
      expect(clonesOf(server).map(({ released }) => released)).to.deep.equal([true, false, false]),
    );
    await spark.close();
    await expectAllReleased(server);
  });

  it("has its clone released when no other has come for a minute", async () => {
    await using both = await scripted({ batches: idBatches(1) });
    const { server, spark } = both;
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      await runPython(spark);
      mock.timers.tick(59_000);
      await runPython(spark);
      mock.timers.tick(59_000);
      expect(clonesOf(server).map(({ released }) => released)).to.deep.equal([false]);
      mock.timers.tick(1_000);
    } finally {
      mock.timers.reset();
    }
    await expectAllReleased(server);
  });

  it("leaves no clone if it was stopped: what still runs there ends with it", async () => {
    await using both = await scripted({ batches: idBatches(1) });
    const { server, spark } = both;
    const use = { conf: { [ROWS]: "5" }, usesPython: true };
    await spark.withQuerySession(spark.range(1), use, (querySession) => querySession.release(true));
    expect(clonesOf(server).map(({ released }) => released)).to.deep.equal([true]);
  });

  it("leaves no clone in a session whose id others may know", async () => {
    await using both = await scripted({ batches: idBatches(1) });
    const { server, spark } = both;
    void spark.sessionId;
    await runPython(spark);
    await expectAllReleased(server);
  });
});

describe("A query with settings of its own, on a server that cannot clone sessions,", () => {
  it("has them set for its start and put back, while others wait; the server is asked once", async () => {
    const during: (string | undefined)[] = [];
    const executePlan = () => void during.push(server.conf.get(ROWS));
    const server = await startScriptedServer({
      batches: idBatches(3),
      sparkVersion: "4.0.1",
      conf: { [ROWS]: "10000" },
      respond: { executePlan },
    });
    const spark = await connect(server.url);
    const options = [{ maxRecordsPerBatch: 5 }, {}, { maxRecordsPerBatch: 6 }];
    const results = await Promise.all(options.map((each) => idsOf(sparkStream(spark.range(3), each))));
    for (const { ids } of results) expect(ids).to.deep.equal(countTo(3));
    expect([...during].sort()).to.deep.equal(["10000", "5", "6"]);
    expect(server.conf.get(ROWS)).to.equal("10000");
    await idsOf(sparkStream(spark.range(3), { maxRecordsPerBatch: 7 }));
    // The first two ask at the same time.
    expect(calls(server, "cloneSession").length).to.be.within(1, 2);
    expect(server.sessions).to.have.length(1);
    await spark.close();
    await server.close();
  });

  it("takes the same way if it needs what a clone lacks, such as a variable", async () => {
    const errorClass = "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION";
    const unknown = sparkError({ message: `[${errorClass}] v cannot be resolved.`, errorClass, sqlState: "42703" });
    const executePlan: RespondWith["executePlan"] = ({ sessionId }) => {
      if (clonesOf(server).some((clone) => clone.sessionId === sessionId)) throw unknown;
      return undefined;
    };
    const server = await startScriptedServer({ batches: idBatches(3), respond: { executePlan } });
    const spark = await connect(server.url);
    const { ids } = await idsOf(sparkStream(spark.sql("SELECT v"), { maxRecordsPerBatch: 5 }));
    expect(ids).to.deep.equal(countTo(3));
    expect(changesOf(server, first(spark))).to.deep.equal([[ROWS, "5"], ROWS]);
    await expectAllReleased(server);
    await spark.close();
    await server.close();
  });

  it("changes nothing for a column that does not exist anywhere", async () => {
    const errorClass = "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION";
    const fail = () => {
      throw sparkError({ message: `[${errorClass}] v cannot be resolved.`, errorClass, sqlState: "42703" });
    };
    await using both = await scripted({ batches: idBatches(1), respond: { executePlan: fail, analyzePlan: fail } });
    const { server, spark } = both;
    const error = await errorOf(sparkStream(spark.sql("SELECT v"), { maxRecordsPerBatch: 5 }).toArray());
    expect(error.errorClass).to.equal(errorClass);
    expect(error.operationId).to.be.a("string");
    expect(changesOf(server, first(spark))).to.deep.equal([]);
  });
});

describe("The settings of a session", () => {
  it("that is joined are not changed by connect(); those of a new one say how often progress is reported", async () => {
    await using server = await startScriptedServer();
    const sessionId = randomUUID();
    await (await connect(server.url, { sessionId })).close();
    await (await connect(`${server.url}/;session_id=${randomUUID()}`)).close();
    const sets = () => calls(server, "config").filter(({ message }) => message.operation?.opType.case === "set");
    expect(sets()).to.deep.equal([]);
    await (await connect(server.url)).close();
    expect(sets()).to.have.length(1);
    expect(server.conf.get("spark.connect.progress.reportInterval")).to.equal("200ms");
  });

  it("are not changed by count()", async () => {
    await using both = await scripted({ batches: idBatches(1), conf: { [CODEC]: "zstd" } });
    const { server, spark } = both;
    await spark.range(1).count();
    expect(clonesOf(server)).to.deep.equal([]);
    expect(changesOf(server, first(spark))).to.deep.equal([]);
  });

  it("are not needed by count() on a server that has no observed metrics either", async () => {
    const executePlan: RespondWith["executePlan"] = ({ plan }) => {
      const relation = plan?.opType.case === "root" ? plan.opType.value.relType.case : undefined;
      if (relation === "collectMetrics") throw sparkError({ message: "not implemented: collect metrics" });
      return undefined;
    };
    const batches = tableFromArrays({ rows: BigInt64Array.of(12n) });
    await using both = await scripted({ batches, respond: { executePlan } });
    expect(await both.spark.range(12).count()).to.equal(12);
  });
});
