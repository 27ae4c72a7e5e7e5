import { expect } from "chai";
import { connect, sparkStream } from "../../lib/index.js";
import { startScriptedServer } from "../../lib/testing/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { idBatches } from "../support/scripted.js";
import { still } from "../support/until.js";

const MIB = 1024 * 1024;
const [batch] = idBatches(128 * 1024); // 1 MiB

/** What a server so far away has sent of a result that nobody takes, in bytes. */
async function sentAhead(latencyMs: number): Promise<number> {
  await using server = await startScriptedServer({ batches: Array.from({ length: 48 }, () => batch!) });
  await using proxy = await startFaultProxy({ port: server.port }, () => ({ latencyMs }));
  await using session = await connect(`sc://127.0.0.1:${proxy.port}`);
  const stream = sparkStream(session.sql("SELECT 1"), { readAheadBytes: 1 });
  await stream.schema;
  const most = await still(() => Math.max(...proxy.connections.map(({ down }) => down)), 500 + 4 * latencyMs);
  stream.destroy();
  return most;
}

describe("A server that nobody reads from", () => {
  it("sends ahead little where it is near", async () => {
    // How near it is, is measured: a machine that is busy in just that moment makes it look far away.
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5 && least > 3 * MIB; attempt++) least = Math.min(least, await sentAhead(0));
    expect(least).to.be.within(MIB, 3 * MIB);
  });

  it("sends ahead what the way to it holds where it is far away", async () => {
    expect(await sentAhead(50)).to.be.within(20 * MIB, 40 * MIB);
  });
});
