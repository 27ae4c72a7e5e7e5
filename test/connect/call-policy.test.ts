// No call waits for ever, whatever becomes of the server or the connection.
import { status } from "@grpc/grpc-js";
import { expect } from "chai";
import { SparkConnectService } from "../../lib/connect/generated/spark-connect_pb.js";
import { callPolicy, stopping } from "../../lib/connect/rpc/call-policy.js";
import { retryWait } from "../../lib/connect/rpc/retry.js";
import { connect } from "../../lib/index.js";
import { startScriptedServer } from "../../lib/testing/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { collectGarbage } from "../support/garbage.js";
import { countTo, errorOf, idBatches, scripted, timeOf } from "../support/scripted.js";

const batches = idBatches(10, 5);

describe("a call to a server that is there and silent", () => {
  it("has a deadline, whichever call it is: ten minutes for a plan, one for all else, seconds for what nobody waits for", () => {
    const calls = Object.values(SparkConnectService.method).filter(({ methodKind }) => methodKind === "unary");
    const timeouts = calls.map(({ name }) => [name, callPolicy(name).timeoutMs / 1000]);
    expect(Object.fromEntries(timeouts)).to.include({
      AnalyzePlan: 600,
      Config: 60,
      Interrupt: 60,
      ReleaseExecute: 60,
      ReleaseSession: 5,
      FetchErrorDetails: 5,
    });
    for (const [name, timeout] of timeouts) expect(timeout, String(name)).to.be.within(1, 600);
  });

  it("fails with UNAVAILABLE, which says how long nothing came and what to do", async () => {
    let silent = false;
    const respond = { analyzePlan: () => (silent ? new Promise<never>(() => {}) : undefined) };
    await using fixture = await scripted({ batches, respond });
    silent = true;
    const { client } = fixture.spark;
    const error = await errorOf(client.analyze({ case: "sparkVersion", value: {} }, { timeoutMs: 200 }));
    expect(error.code).to.equal("UNAVAILABLE");
    expect(error.message).to.equal(
      `The Spark Connect server at 127.0.0.1:${fixture.server.port} did not answer in time: nothing has arrived for 0.2 s ` +
        "(AnalyzePlan). Check that it runs and is not overloaded, and try again.",
    );
    silent = false;
    expect(await fixture.spark.version()).to.equal("4.3.0");
  });

  it("does not wait for ever for a token either, and its session can be closed", async () => {
    let gives = true;
    const token = () => (gives ? "t" : new Promise<never>(() => {}));
    await using server = await startScriptedServer({ batches, token: "t" });
    const spark = await connect(server.url, { token });
    gives = false;
    const error = await errorOf(spark.client.analyze({ case: "sparkVersion", value: {} }, { timeoutMs: 200 }));
    expect(error.code).to.equal("UNAVAILABLE");
    expect(error.message).to.equal("The token function has returned no token for 0.2 s.");
    expect(await timeOf(spark.close())).to.be.below(20_000);
  });

  // A server that was silent for longer than fifteen seconds went on with what had been aborted meanwhile.
  it("is asked to stop a query for ten minutes, in waits that hold up no process", () => {
    const { timeoutMs, policy } = stopping;
    let total = 0;
    for (let retry = 1, wait: number | undefined = 0; wait !== undefined; retry++) {
      total += timeoutMs + wait;
      wait = retryWait({ code: status.DEADLINE_EXCEEDED }, retry, policy, () => 0);
    }
    expect(total).to.be.within(500_000, 700_000);
    expect(policy.background).to.equal(true);
  });

  it("leaves its connection, which may be dead, to those that use it already", async () => {
    await using server = await startScriptedServer({ batches });
    await using proxy = await startFaultProxy({ port: server.port });
    await using spark = await connect(`sc://127.0.0.1:${proxy.port}`);
    expect(await spark.version()).to.equal("4.3.0");
    proxy.swallow();
    const call = () => spark.client.analyze({ case: "sparkVersion", value: {} }, { timeoutMs: 500 });
    expect((await errorOf(call())).code).to.equal("UNAVAILABLE");
    expect(await spark.version()).to.equal("4.3.0");
  });
});

describe("execute()", () => {
  it("holds none of the rows that come: they are dropped one after the other", async () => {
    await using fixture = await scripted({ batches: idBatches(...countTo(100).map(() => 10)) });
    const { client } = fixture.spark;
    const begin = client.execution.bind(client);
    const responses: WeakRef<object>[] = [];
    let held = -1;
    client.execution = (...args) => {
      const execution = begin(...args);
      const next = execution.next.bind(execution);
      execution.next = async () => {
        const response = await next();
        if (response) responses.push(new WeakRef(response));
        else {
          await collectGarbage();
          held = responses.filter((each) => each.deref() !== undefined).length;
        }
        return response;
      };
      return execution;
    };
    await fixture.spark.sql("SELECT id FROM t").execute();
    expect(responses).to.have.length.above(100);
    expect(held, "responses held at the end").to.be.below(5);
  });
});
