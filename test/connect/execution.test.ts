// An execution when the network or the server fails, on a server that does what the script says.
import { expect } from "chai";
import { connect, type SparkSession, sparkStream } from "../../lib/index.js";
import {
  type FaultAction,
  type ScriptedServer,
  type ScriptedServerOptions,
  sparkError,
} from "../../lib/testing/index.js";
import { ipcOf } from "../support/ipc.js";
import { countTo, idBatches, idsOf, ownTimeOf, scripted, timeOf, within } from "../support/scripted.js";

/** Sent as six responses: schema, three batches, metrics, the end. */
const batches = idBatches(10, 10, 5);
const RESPONSES = 6;
const everyRow = countTo(25);

/**
 * Checks that there is nothing but the first rows, of whole batches: at most so many. A Readable that fails drops the
 * batches that its consumer has not taken, which may be all that came within one turn of the event loop.
 */
function expectFirst(ids: readonly number[], atMost: number): void {
  expect(ids).to.deep.equal(countTo(ids.length));
  expect(ids.length).to.be.oneOf([0, 10, 20, 25]).and.to.be.at.most(atMost);
}

const query = (spark: SparkSession) => idsOf(sparkStream(spark.sql("SELECT id FROM t")));

/** One query per place at which a fault can be, each with that fault in its first stream alone. */
async function atEveryResponse(action: FaultAction, options: ScriptedServerOptions = {}, responses = RESPONSES) {
  const places = countTo(responses);
  const faults = places.map((after) => ({ operation: after, stream: 0, after, do: action }));
  await using fixture = await scripted({ batches, ...options, faults });
  const results = [];
  for (const after of places) results.push({ after, ...(await query(fixture.spark)) });
  await released(fixture.server);
  return { results, operations: fixture.server.operations.map(({ attaches, state }) => ({ attaches, state })) };
}

/** Waits until the client has given back all operations that the server knows, as it does a moment after their end. */
async function released({ operations }: ScriptedServer): Promise<void> {
  const states = () => operations.map(({ state }) => state).filter((state) => state !== "lost");
  await within(5000, () => expect(new Set(states())).to.deep.equal(new Set(["released"])));
}

describe("an execution whose stream breaks", () => {
  const breaks: Record<string, FaultAction> = {
    "the connection is cut": "cut",
    "the server ends the stream before the result is complete": "end",
    "the server is unavailable": { status: { code: "UNAVAILABLE", message: "shutting down" } },
    "a deadline passes": { status: { code: "DEADLINE_EXCEEDED", message: "too late" } },
    "the server asks for another try": { status: { message: "busy", errorClass: "BUSY", retryAfterMs: 30 } },
    "another attach has taken the stream over": {
      status: { message: "The cursor is invalid.", errorClass: "INVALID_CURSOR.DISCONNECTED" },
    },
  };
  for (const [what, action] of Object.entries(breaks)) {
    it(`gives every row exactly once where ${what}, after whichever response`, async () => {
      const { results, operations } = await atEveryResponse(action);
      for (const { after, ids, error } of results) {
        expect({ after, ids, error }).to.deep.equal({ after, ids: everyRow, error: undefined });
      }
      expect(operations).to.deep.equal(operations.map(() => ({ attaches: 2, state: "released" })));
    });
  }

  it("gives every row exactly once where the connection is cut between any two chunks of batches", async () => {
    const { results } = await atEveryResponse("cut", { chunkBytes: 100, progress: true }, 24);
    for (const { after, ids, error } of results) {
      expect({ after, ids, error }).to.deep.equal({ after, ids: everyRow, error: undefined });
    }
  });

  it("comes to its end on connections that break after every single response", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 1, do: "cut" }] });
    expect(await query(fixture.spark)).to.deep.equal({ ids: everyRow });
    expect(fixture.server.operations[0]!.attaches).to.equal(RESPONSES);
  });

  it("goes on where it was when the server lets its connections run out", async () => {
    const { results, operations } = await atEveryResponse("goaway");
    for (const { after, ids, error } of results) {
      expect({ after, ids, error }).to.deep.equal({ after, ids: everyRow, error: undefined });
    }
    expect(operations.map(({ attaches }) => attaches)).to.deep.equal(countTo(RESPONSES).map(() => 1));
  });

  it("waits as long as the server asks it to", async () => {
    const action = { status: { message: "busy", errorClass: "BUSY", retryAfterMs: 400 } };
    await using fixture = await scripted({ batches, faults: [{ stream: 0, after: 2, do: action }] });
    const result = query(fixture.spark);
    const [clock, own] = await Promise.all([timeOf(result), ownTimeOf(result)]);
    expect(clock).to.be.above(390);
    expect(own).to.be.below(1500);
    expect(await result).to.deep.equal({ ids: everyRow });
  });

  it("sends the plan again where the server never heard of the operation, and nothing was received", async () => {
    await using fixture = await scripted({ batches, faults: [{ stream: 0, after: 0, do: "forget" }] });
    expect(await query(fixture.spark)).to.deep.equal({ ids: everyRow });
    await released(fixture.server);
    const calls = fixture.server.requests.map(({ method }) => method).filter((method) => /execute/i.test(method));
    expect(calls).to.deep.equal(["executePlan", "reattachExecute", "executePlan", "releaseExecute"]);
  });

  it("says OPERATION_LOST where the server has forgotten an operation of which something was received", async () => {
    for (const after of [1, 3, 5]) {
      await using fixture = await scripted({ batches, faults: [{ stream: 0, after, do: "forget" }] });
      const { ids, error } = await query(fixture.spark);
      expect(error?.code).to.equal("OPERATION_LOST");
      expect(error?.operationId).to.equal(fixture.server.operations[0]!.operationId);
      expectFirst(ids, 10 * Math.min(after - 1, 2) + (after === 5 ? 5 : 0));
      expect(fixture.server.requests.filter(({ method }) => method === "executePlan")).to.have.length(1);
    }
  });

  it("says OPERATION_LOST where the responses that follow the last received one are not kept any more", async () => {
    const lost = { status: { message: "gone", errorClass: "INVALID_CURSOR.POSITION_NOT_AVAILABLE" } };
    const faults = [
      { stream: 0, after: 2, do: "cut" as const },
      { stream: 1, do: lost },
    ];
    await using fixture = await scripted({ batches, faults });
    const { ids, error } = await query(fixture.spark);
    expect(error?.code).to.equal("OPERATION_LOST");
    expectFirst(ids, 10);
  });

  it("says SESSION_LOST where the server was restarted, whether it was cut off or answers as another", async () => {
    for (const action of ["restart", { sessionId: "00000000-0000-4000-8000-000000000000" }] as const) {
      await using fixture = await scripted({ batches, faults: [{ stream: 0, after: 2, do: action }] });
      const { ids, error } = await query(fixture.spark);
      expect(error?.code).to.equal("SESSION_LOST");
      expectFirst(ids, 10);
      expect((await query(fixture.spark)).error?.code).to.equal("SESSION_LOST");
    }
  });

  it("says SESSION_LOST, and not OPERATION_LOST, where the restarted server knows no such session", async () => {
    const status = { message: "no such session", errorClass: "INVALID_HANDLE.SESSION_NOT_FOUND" };
    const faults = [
      { stream: 0, after: 2, do: "end" as const },
      { stream: 1, do: { status } },
    ];
    await using fixture = await scripted({ batches, faults });
    const { ids, error } = await query(fixture.spark);
    expect([ids, error?.code]).to.deep.equal([everyRow.slice(0, 10), "SESSION_LOST"]);
    expect(error?.message).to.match(/the server was restarted, or has forgotten the session/);
  });

  // Who had joined a session that its owner closed was told that the server had been restarted.
  it("says that the session was closed where another who had joined it did that", async () => {
    await using fixture = await scripted({ batches });
    const joined = await connect(fixture.server.url, { sessionId: fixture.spark.sessionId });
    await joined.close();
    const { error } = await query(fixture.spark);
    expect(error?.code).to.equal("SESSION_LOST");
    expect(error?.message).to.include("closed it").and.not.to.include("restarted");
  });

  // A stalled connection, or a server that hangs, was waited for as long as there were pings on the connection.
  it("gives every row exactly once where nothing comes for longer than a server keeps a stream, after whichever response", async () => {
    const conf = { "spark.connect.execute.reattachable.senderMaxStreamDuration": "100ms" };
    const faults = countTo(RESPONSES).map((after) => ({ operation: after, stream: 0, after, do: "stall" as const }));
    await using fixture = await scripted({ batches, conf, faults });
    const results = await Promise.all(countTo(RESPONSES).map(() => query(fixture.spark)));
    expect(results).to.deep.equal(results.map(() => ({ ids: everyRow })));
    expect(fixture.server.operations.map(({ attaches }) => attaches)).to.deep.equal(results.map(() => 2));
  });

  it("gives up a server that is silent four times in a row", async () => {
    const conf = { "spark.connect.execute.reattachable.senderMaxStreamDuration": "100ms" };
    const stalls = [0, 1, 2, 3].map((stream) => ({ stream, after: stream === 0 ? 2 : 0, do: "stall" as const }));
    await using fixture = await scripted({ batches, conf, faults: stalls });
    const { ids, error } = await query(fixture.spark);
    expect(error?.code).to.equal("UNAVAILABLE");
    expectFirst(ids, 10);
    expect(error?.message).to.match(/did not answer in time: nothing has arrived for 1 s/);
  });

  // It was asked again at once, thousands of times a second.
  it("waits before it asks a server again that ended a stream at once, without a response", async () => {
    await using fixture = await scripted({ batches, faults: [1, 2].map((stream) => ({ stream, do: "end" as const })) });
    const faults = [0, 1, 2].map((stream) => ({ stream, do: "end" as const }));
    await using useless = await scripted({ batches, faults });
    expect(await timeOf(query(useless.spark))).to.be.above(50 + 200 + 800);
    expect(await ownTimeOf(query(fixture.spark))).to.be.below(500);
  });

  it("says OPERATION_LOST where the responses had no ids by which the rest could be asked for", async () => {
    const responses = [
      { responseType: { case: "arrowBatch" as const, value: { data: ipcOf(batches[0]!), rowCount: 10n } } },
    ];
    const respond = {
      executePlan: () => ({ responses: responses.map((response) => ({ ...response, responseId: "" })) }),
    };
    await using fixture = await scripted({ respond });
    const { ids, error } = await query(fixture.spark);
    expect(error?.code).to.equal("OPERATION_LOST");
    expectFirst(ids, 10);
    expect(fixture.server.operations[0]!.attaches).to.equal(1);
  });

  it("gives up what will not come back, and releases the operation", async () => {
    const action = { status: { code: "PERMISSION_DENIED" as const, message: "no longer" } };
    await using fixture = await scripted({ batches, faults: [{ stream: 0, after: 2, do: action }] });
    expect((await query(fixture.spark)).error?.code).to.equal("PERMISSION_DENIED");
    await released(fixture.server);
    expect(fixture.server.operations[0]!.attaches).to.equal(1);
  });
});

describe("an execution whose responses are not what Spark sent", () => {
  it("drops a response that comes twice", async () => {
    const { results, operations } = await atEveryResponse("duplicate");
    for (const { after, ids, error } of results) {
      expect({ after, ids, error }).to.deep.equal({ after, ids: everyRow, error: undefined });
    }
    expect(operations.every(({ attaches }) => attaches === 1)).to.equal(true);
  });

  const damages: {
    what: string;
    action: FaultAction;
    after: number[];
    code: string;
    options?: ScriptedServerOptions;
  }[] = [
    // A whole batch that is missing at the very end can be told from nothing: no response says how many there are.
    { what: "a batch is missing", action: "drop", after: [1, 2], code: "INCOMPLETE_RESULT" },
    { what: "two batches are swapped", action: "swap", after: [1, 2], code: "INCOMPLETE_RESULT" },
    { what: "a batch has fewer rows than it says", action: "miscount", after: [1, 2, 3], code: "INCOMPLETE_RESULT" },
    { what: "half of a batch is missing", action: "corrupt", after: [1, 2, 3], code: "INVALID_IPC" },
  ];
  for (const { what, action, after, code } of damages) {
    it(`fails with ${code} where ${what}, and hands out nothing of it`, async () => {
      for (const place of after) {
        await using fixture = await scripted({ batches, faults: [{ after: place, do: action }] });
        const { ids, error } = await query(fixture.spark);
        expect({ place, code: error?.code }).to.deep.equal({ place, code });
        expectFirst(ids, 10 * (place - 1));
        await released(fixture.server);
      }
    });
  }

  it("fails where any chunk of a batch is missing, swapped or cut short", async () => {
    const chunked = { batches: idBatches(10), chunkBytes: 100 };
    const chunks = await chunksOf(chunked);
    expect(chunks).to.be.above(3);
    for (const action of ["drop", "swap", "corrupt"] as const) {
      // The last chunk has nobody to be swapped with.
      for (let after = 1; after <= (action === "swap" ? chunks - 1 : chunks); after++) {
        await using fixture = await scripted({ ...chunked, faults: [{ after, do: action }] });
        const { ids, error } = await query(fixture.spark);
        expect(ids, `${action} after ${after}`).to.deep.equal([]);
        expect(error?.code).to.be.oneOf(["INCOMPLETE_RESULT", "INVALID_IPC"]);
      }
    }
  });

  // The second was dropped as one that had come; as the last batch its rows were lost in silence.
  it("fails with INCOMPLETE_RESULT where two responses with one id differ: in their place, or in any bytes", async () => {
    const [first, second] = idBatches(10, 10).map((batch) => ipcOf(batch));
    const response = (responseId: string, data: Uint8Array, startOffset: bigint) => ({
      responseId,
      responseType: { case: "arrowBatch" as const, value: { data, rowCount: 10n, startOffset } },
    });
    for (const other of [response("a", second!, 0n), response("a", first!, 10n)]) {
      const end = { responseId: "z", responseType: { case: "resultComplete" as const, value: {} } };
      const respond = { executePlan: () => ({ responses: [response("a", first!, 0n), other, end] }) };
      await using fixture = await scripted({ respond });
      const { ids, error } = await query(fixture.spark);
      expect(error?.code).to.equal("INCOMPLETE_RESULT");
      expect(ids).to.deep.equal(countTo(ids.length)).and.have.length.of.at.most(10);
      expect(error?.message).to.include("two different responses have the id a");
    }
  });

  it("believes a server that does not tell where a batch belongs", async () => {
    await using fixture = await scripted({ batches, offsets: false });
    expect(await query(fixture.spark)).to.deep.equal({ ids: everyRow });
  });
});

async function chunksOf(options: ScriptedServerOptions): Promise<number> {
  await using fixture = await scripted(options);
  await query(fixture.spark);
  return fixture.server.operations[0]!.responsesSent - 3;
}

describe("an execution of a query that fails", () => {
  const failure = {
    message: "[TABLE_OR_VIEW_NOT_FOUND] The table or view `t` cannot be found. SQLSTATE: 42P01",
    errorClass: "TABLE_OR_VIEW_NOT_FOUND",
    sqlState: "42P01",
    messageParameters: { relationName: "`t`" },
    queryContext: [{ type: "sql" as const, fragment: "t", startIndex: 15, stopIndex: 15, summary: "== SQL ==" }],
  };

  it("tells all that the server knows: class, SQLSTATE, parameters, place in the text, stack trace", async () => {
    const respond = {
      executePlan: () => {
        throw sparkError(failure);
      },
    };
    await using fixture = await scripted({ respond });
    const { ids, error } = await query(fixture.spark);
    const { message, ...rest } = failure;
    expect(ids).to.deep.equal([]);
    expect(error).to.include({ code: "QUERY_FAILED", message });
    expect(error).to.deep.include(rest);
    expect(error?.serverStackTrace).to.match(/SparkException: \[TABLE.*\n\s+at scripted\.Server\.answer/);
    const [operation] = fixture.server.operations;
    expect(error?.operationId).to.equal(operation!.operationId);
    await released(fixture.server);
    expect(operation).to.include({ attaches: 1 });
  });

  it("fails after the rows that came before the failure", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 3, do: { status: failure } }] });
    const { ids, error } = await query(fixture.spark);
    expect(error?.code).to.equal("QUERY_FAILED");
    expectFirst(ids, 20);
  });

  it("says what it knows where the details cannot be fetched", async () => {
    const respond = {
      fetchErrorDetails: () => {
        throw sparkError({ code: "UNIMPLEMENTED", message: "an old server" });
      },
    };
    await using fixture = await scripted({ batches, respond, faults: [{ do: { status: failure } }] });
    const { error } = await query(fixture.spark);
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: failure.errorClass, sqlState: "42P01" });
  });

  it("says OPERATION_CANCELED where it was interrupted by its tag, and leaves others alone", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 2, do: "stall" }] });
    const tagged = sparkStream(fixture.spark.sql("SELECT id FROM t"), { tags: ["nightly", "report"] });
    const result = idsOf(tagged);
    const other = sparkStream(fixture.spark.sql("SELECT id FROM t"), { tags: ["hourly"] });
    await other[Symbol.asyncIterator]().next();
    await tagged.schema;
    const [operation] = fixture.server.operations.filter(({ tags }) => tags.includes("nightly"));
    expect(operation!.tags).to.deep.equal(["nightly", "report"]);
    expect(await fixture.spark.interruptTag("report")).to.deep.equal([operation!.operationId]);
    expect((await result).error?.code).to.equal("OPERATION_CANCELED");
    expect(other.destroyed).to.equal(false);
    other.destroy();
  });

  it("says OPERATION_CANCELED where it was interrupted", async () => {
    await using fixture = await scripted({ batches, faults: [{ after: 2, do: "stall" }] });
    const result = query(fixture.spark);
    while (fixture.server.operations[0]?.responsesSent !== 2) await new Promise(setImmediate);
    expect(await fixture.spark.interruptAll()).to.deep.equal([fixture.server.operations[0]!.operationId]);
    expect((await result).error?.code).to.equal("OPERATION_CANCELED");
  });
});
