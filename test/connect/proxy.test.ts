// Proxies: those that the environment names for gRPC, between the client and a server that only they reach.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { connect, sparkStream } from "../../lib/index.js";
import { startScriptedServer } from "../../lib/testing/index.js";
import { CertificateAuthority } from "../support/certificates.js";
import { type ConnectProxyOptions, startConnectProxy, withProxyVariables } from "../support/connect-proxy.js";
import { freePort } from "../support/free-port.js";
import { errorOf, idBatches, timeOf } from "../support/scripted.js";

const token = "very-secret-token";

describe("A proxy that the environment names", () => {
  it("is not used for a server on this machine, which works even if the proxy is gone, and sends it no token", async () => {
    await using server = await startScriptedServer({ token, batches: idBatches(5) });
    await using proxy = await startConnectProxy({ port: server.port });
    for (const host of ["127.0.0.1", "localhost"]) {
      for (const variable of ["http_proxy", "https_proxy", "grpc_proxy"]) {
        await withProxyVariables({ [variable]: `http://${proxy.address}` }, async () => {
          await using spark = await connect(`sc://${host}:${server.port}`, { token });
          expect(await sparkStream(spark.range(5)).toArray()).to.have.length(1);
        });
      }
    }
    expect(proxy.requests).to.deep.equal([]);
  });

  it("leads to a server elsewhere over TLS, and sees neither token nor rows", async () => {
    const authority = await CertificateAuthority.create();
    const tls = await authority.issue("server", [{ type: "dns", value: "spark.example.com" }]);
    await using server = await startScriptedServer({ token, tls, batches: idBatches(5) });
    await using proxy = await startConnectProxy({ port: server.port });
    await withProxyVariables({ https_proxy: `http://me:pa%20ss@${proxy.address}` }, async () => {
      await using spark = await connect("sc://spark.example.com:443", { token, tls: { ca: authority.cert } });
      expect(await sparkStream(spark.range(5)).toArray()).to.have.length(1);
    });
    for (const { target, headers } of proxy.requests) {
      expect(target).to.equal("spark.example.com:443");
      expect(headers["proxy-authorization"]).to.equal(`Basic ${Buffer.from("me:pa ss").toString("base64")}`);
    }
    expect(proxy.requests).to.have.length.above(1);
    expect(proxy.sent().includes(token)).to.equal(false);
  });

  it("leads to a server elsewhere in plain text if there is no credential, under the server's own name", async () => {
    await using server = await startScriptedServer({ batches: idBatches(5) });
    await using proxy = await startConnectProxy({ port: server.port });
    await withProxyVariables({ http_proxy: `http://${proxy.address}` }, async () => {
      await using spark = await connect("sc://spark.example.com");
      expect(await sparkStream(spark.range(5)).toArray()).to.have.length(1);
    });
    expect(proxy.requests[0]!.target).to.equal("spark.example.com:15002");
    expect(proxy.sent().toString("latin1")).to.include("PRI * HTTP/2.0");
  });

  it("never gets a token or another credential in plain text, since that is refused before it is asked", async () => {
    await using proxy = await startConnectProxy({ port: 1 });
    await withProxyVariables({ http_proxy: `http://${proxy.address}` }, async () => {
      for (const options of [{ token }, { headers: { authorization: `Bearer ${token}` } }]) {
        const error = await errorOf(connect("sc://spark.example.com", { ...options, tls: false }));
        expect(error).to.have.property("code", "INVALID_URL");
      }
    });
    expect(proxy.requests).to.deep.equal([]);
  });

  it("is left out for what no_proxy lists", async () => {
    await using proxy = await startConnectProxy({ port: 1 });
    await withProxyVariables({ http_proxy: `http://${proxy.address}`, no_proxy: "a.test, .invalid" }, async () => {
      expect((await errorOf(connect("sc://no-such-host.invalid"))).message).not.to.include(proxy.address);
    });
    expect(proxy.requests).to.deep.equal([]);
  });

  it("tells a client of plain text that the server behind it speaks TLS", async () => {
    const authority = await CertificateAuthority.create();
    const tls = await authority.issue("server", [{ type: "dns", value: "spark.example.com" }]);
    await using server = await startScriptedServer({ tls });
    await using proxy = await startConnectProxy({ port: server.port });
    await withProxyVariables({ http_proxy: `http://${proxy.address}` }, async () => {
      const error = await errorOf(connect("sc://spark.example.com"));
      expect(error.code).to.equal("TLS_FAILED");
      expect(error.message).to.include("use_ssl=true");
    });
  });

  const faults: [what: string, fault: NonNullable<ConnectProxyOptions["fault"]>, says: RegExp][] = [
    ["answers 403", 403, /answered 403 Nope: it does not allow CONNECT/],
    ["answers 407", 407, /answered 407 Nope\. Put a user and a password/],
    ["answers 502", 502, /answered 502 Nope: it does not reach the server.*tried once within 1 s/],
    ["breaks the connection off", "reset", /closed the connection \(ECONNRESET\)/],
    ["is silent", "silent", /did not answer within 1 s/],
  ];
  for (const [what, fault, says] of faults) {
    it(`and that ${what} is UNAVAILABLE within seconds, by its address and what it did, without its password`, async () => {
      await using proxy = await startConnectProxy({ port: 1, fault });
      await withProxyVariables({ https_proxy: `http://me:pass-word-1@${proxy.address}` }, async () => {
        const failure = connect("sc://spark.example.com", { token, connectTimeoutMs: 1_000 });
        expect(await timeOf(failure)).to.be.below(10_000);
        const error = await errorOf(failure);
        expect(error.code).to.equal("UNAVAILABLE");
        expect(error.message)
          .to.match(says)
          .and.to.include(`the proxy ${proxy.address}, which https_proxy in the environment names`)
          .and.to.include("spark.example.com:15002")
          .and.to.include("no_grpc_proxy")
          .and.not.to.match(/pass-word-1|undefined/);
      });
    });
  }

  it("and that is not there is UNAVAILABLE at once, with no line of gRPC's own on standard error", async () => {
    const entry = new URL("../../lib/index.ts", import.meta.url).href;
    const script = `import { connect } from "${entry}"; connect("sc://spark.example.com").catch((e) => console.log(e.code, e.message))`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const address = `127.0.0.1:${await freePort()}`;
    const env = { ...process.env, grpc_proxy: `http://${address}`, no_grpc_proxy: "", no_proxy: "" };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 25_000 });
    expect(stdout)
      .to.match(/^UNAVAILABLE .*cannot be reached \(ECONNREFUSED\)/)
      .and.to.include(address);
    expect(stderr).not.to.match(/proxy/);
  });

  it("and cannot be used is INVALID_ARGUMENT, by the name of the variable and not by its value", async () => {
    for (const value of [`https://me:${token}@proxy.test`, `socks5://${token}`, token]) {
      await withProxyVariables({ grpc_proxy: value }, async () => {
        const error = await errorOf(connect("sc://spark.example.com"));
        expect(error.code).to.equal("INVALID_ARGUMENT");
        expect(error.message).to.include("grpc_proxy").and.not.to.include(token);
      });
    }
  });
});
