// Pings, and a server that closes the connection of a client that sends too many, as gRPC's in Java does.
import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ConfigResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { connect } from "../../lib/index.js";
import { within } from "../support/scripted.js";

interface Strict extends AsyncDisposable {
  readonly url: string;
  /** ms at which pings came, and whether a call was under way. */
  readonly pings: readonly { readonly at: number; readonly idle: boolean }[];
  /** Connections that were closed for pings. */
  readonly closed: number;
}

/** A server whose clock runs fast: five minutes take `permitMs`. It answers nothing from the third Config on. */
async function strictServer(permitMs: number): Promise<Strict> {
  const pings: { at: number; idle: boolean }[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const result = { pings, closed: 0 };
  const server = createServer();
  let configs = 0;
  server.on("session", (session) => {
    sessions.add(session);
    let [last, strikes, open] = [performance.now(), 0, 0];
    session.on("stream", (stream, { ":path": path }) => {
      open++;
      stream.on("close", () => open--).on("error", () => {});
      stream.resume();
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      if (path?.endsWith("/Config") && ++configs > 2) return;
      const message = toBinary(ConfigResponseSchema, create(ConfigResponseSchema));
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([head, message]));
    });
    session.on("ping", () => {
      const at = performance.now();
      pings.push({ at, idle: open === 0 });
      if (open === 0 || at - last < permitMs) strikes++;
      last = at;
      if (strikes <= 2) return;
      result.closed++;
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
      session.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(result, {
    url: `sc://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
}

describe("A server that takes pings amiss", () => {
  it("keeps the connection of a client that pings during calls alone, and less often than it permits", async () => {
    await using server = await strictServer(150);
    await using spark = await connect(`${server.url}/;grpc_keepalive_time_ms=300`);
    const call = spark.conf.get("a", "b").catch(() => {});
    await within(20_000, () => expect(server.pings).to.have.length.above(4));
    expect(server.pings.filter(({ idle }) => idle)).to.deep.equal([]);
    expect(server.closed).to.equal(0);
    await spark.close();
    await call;
  });

  it("closes that of a client that was told to ping as Spark 4.3 permits: the keys of the URL are followed", async () => {
    await using server = await strictServer(150);
    await using _spark = await connect(`${server.url}/;grpc_keepalive_time_ms=30;grpc_keepalive_without_calls=true`);
    await within(20_000, () => expect(server.closed).to.be.above(0));
    expect(server.pings.some(({ idle }) => idle)).to.equal(true);
  });
});
