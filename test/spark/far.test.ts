// A real Spark at the end of a long way, on which connections are cut.
import { expect } from "chai";
import { connect, sparkStream } from "../../lib/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { Random } from "../support/random.js";
import { sparkServer } from "../support/spark.js";

const MIB = 1024 * 1024;
/** ms, each way. */
const LATENCY = 150;
const CUTS = Number(process.env.FAR_CUTS ?? 6);
const ROWS = (CUTS + 1) * 40_000;

describe("A result from far away", function () {
  this.timeout(60_000 + CUTS * 20_000);
  before("start Spark", async function () {
    this.timeout(600_000); // the first start installs it
    await sparkServer();
  });

  // The window was 32 MiB, and Spark keeps 10 MB: one cut lost 7 of 11 results with OPERATION_LOST.
  it("survives each cut of its connection, at whatever byte: no more is under way than Spark can send again", async () => {
    const { url, token } = await sparkServer();
    const random = new Random(7);
    await using proxy = await startFaultProxy(
      { port: Number(new URL(url.replace("sc:", "http:")).port) },
      (connection) => {
        const far = { latencyMs: LATENCY, maxWaitingBytes: 64 * MIB };
        // The first connection is that of all calls but streams.
        const cut = connection > 0 && connection <= CUTS;
        return cut ? { ...far, after: MIB + random.below(6 * MIB), do: "reset" as const } : far;
      },
    );
    await using spark = await connect(`sc://127.0.0.1:${proxy.port}`, { token });
    const stream = sparkStream(spark.sql(`SELECT id, repeat('x', 216) AS text FROM range(0, ${ROWS}, 1, 2)`));
    let next = 0n;
    for await (const batch of stream) {
      for (const id of batch.getChild("id")!) {
        if (id !== next++) expect.fail(`${id} came where ${next - 1n} should`);
      }
    }
    expect(Number(next)).to.equal(ROWS);
    expect(proxy.connections).to.have.length.above(CUTS);
  });
});
