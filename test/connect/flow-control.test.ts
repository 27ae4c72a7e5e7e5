import { expect } from "chai";
import { connect, sparkStream } from "../../lib/index.js";
import { type ScriptedServer, startScriptedServer } from "../../lib/testing/index.js";
import { type ConnectionFault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { countTo, idBatches } from "../support/scripted.js";
import { still } from "../support/until.js";

const MIB = 1024 * 1024;
const ROWS = 128 * 1024;
const [batch] = idBatches(ROWS); // 1 MiB

/** Runs something while a server so far away has sent all that it may of a result that nobody takes. */
async function whileSentAhead<T>(
  latencyMs: number,
  run: (stream: ReturnType<typeof sparkStream>, server: ScriptedServer, proxy: FaultProxy) => Promise<T>,
  batches = Array.from({ length: 48 }, () => batch!),
  firstStream: ConnectionFault = {},
): Promise<T> {
  await using server = await startScriptedServer({ batches });
  const link = { latencyMs, maxWaitingBytes: 64 * MIB };
  // The first connection is that of all calls but streams.
  const faultOf = (connection: number) => (connection === 1 ? { ...link, ...firstStream } : link);
  await using proxy = await startFaultProxy({ port: server.port }, faultOf);
  await using session = await connect(`sc://127.0.0.1:${proxy.port}`);
  // The fastest call tells how far away the server is, and on a busy machine the first few are slow.
  if (latencyMs === 0) for (let call = 0; call < 30; call++) await session.version();
  const stream = sparkStream(session.sql("SELECT 1"), { readAheadBytes: 1 });
  await stream.schema;
  await still(() => server.operations[0]!.bytesSent, 500 + 4 * latencyMs);
  try {
    return await run(stream, server, proxy);
  } finally {
    stream.destroy();
  }
}

const bytesSent = async (_stream: unknown, server: ScriptedServer) => server.operations[0]!.bytesSent;

describe("A server that nobody reads from", () => {
  it("sends ahead little where it is near", async () => {
    // How near it is, is measured: a machine that is busy in just that moment makes it look far away.
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5 && least > 3 * MIB; attempt++) {
      least = Math.min(least, await whileSentAhead(0, bytesSent));
    }
    expect(least).to.be.within(MIB, 3 * MIB);
  });

  it("sends ahead more where it is far away, and never what it could not send again", async () => {
    expect(await whileSentAhead(100, bytesSent)).to.be.within(4 * MIB, 9 * MIB);
  });

  // 25 MiB were under way, of which the server kept 10: OPERATION_LOST.
  it("loses nothing where all that it has sent ahead is cut off", async () => {
    const firsts = await whileSentAhead(
      100,
      async (stream, _server, proxy) => {
        proxy.reset();
        const found: number[] = [];
        for await (const each of stream) found.push(Number(each.getChildAt(0)!.get(0)));
        return found;
      },
      idBatches(...Array.from({ length: 32 }, () => ROWS)),
      { after: 2 * MIB, do: "stall" }, // all but this much is still on its way
    );
    expect(firsts).to.deep.equal(countTo(32).map((index) => index * ROWS));
  });
});
