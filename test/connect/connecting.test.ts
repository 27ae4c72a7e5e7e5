// From a URL to a session: what is said when that does not work, and what the server gets to see.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { inspect, promisify } from "node:util";
import { expect } from "chai";
import { type ConnectOptions, connect, sparkStream } from "../../lib/index.js";
import { type ScriptedServerOptions, sparkError, startScriptedServer } from "../../lib/testing/index.js";
import { CertificateAuthority, type Identity, localNames } from "../support/certificates.js";
import { notInCheck } from "../support/check.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { freePort } from "../support/free-port.js";
import { errorOf, idBatches, ownTimeOf, scripted } from "../support/scripted.js";

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("the options of connect()", () => {
  it("are refused where they are unknown, as everywhere else, and a token is not shown", async () => {
    const misspelt = await errorOf(connect("sc://localhost", { tokn: "s3cret" } as ConnectOptions));
    expect(misspelt).to.include({ code: "INVALID_ARGUMENT" });
    expect(misspelt.message)
      .to.include('Unknown option "tokn" of connect(). Did you mean "token"?')
      .and.not.include("s3cret");
    const wrong = await errorOf(connect("sc://localhost", { token: ["s3cret"] } as unknown as ConnectOptions));
    expect(wrong.message).to.include('Option "token" of connect() must be').and.not.include("s3cret");
    const nested = await errorOf(connect("sc://localhost", { tls: { cacert: "" } } as ConnectOptions));
    expect(nested.message).to.include('Unknown option "tls.cacert" of connect().');
  });
});

describe("a URL", () => {
  const invalid: Record<string, string> = {
    "has another scheme": "http://localhost:15002",
    "has no scheme": "localhost:15002",
    "has no host": "sc://",
    "has a port beyond 65535": "sc://localhost:70000",
    "has the port 0": "sc://localhost:0",
    "has a port that is no number": "sc://localhost:spark",
    "has a path": "sc://localhost/spark",
    "has parameters right after the host": "sc://localhost;use_ssl=true",
    "has a parameter without a value": "sc://localhost/;use_ssl",
    "has a parameter without a key": "sc://localhost/;=true",
    "has a value that is not percent-encoded": "sc://localhost/;user_id=%zz",
    "has a use_ssl that is not a boolean": "sc://localhost/;use_ssl=yes",
    "has a session id that is no UUID": "sc://localhost/;session_id=mine",
    "has a message size that is no number": "sc://localhost/;grpc_max_message_size=big",
    "has a user agent of more than 2048 characters": `sc://localhost/;user_agent=${"x".repeat(2049)}`,
    "names a user before the host": "sc://me:secret@localhost",
    "has a token and plain text for another machine": "sc://spark.example.com/;use_ssl=false;token=secret",
  };
  for (const [what, url] of Object.entries(invalid)) {
    it(`that ${what} is INVALID_URL, at once, and the message shows no value of it`, async () => {
      const failure = connect(url);
      expect(await ownTimeOf(failure)).to.be.below(100);
      const error = await errorOf(failure);
      expect(error.code).to.equal("INVALID_URL");
      expect(error.message).to.include("sc://host[:port]");
      expect(inspect(error)).not.to.match(/secret|mine|%zz/);
    });
  }

  it("is looked for in SPARK_REMOTE, and missed where it is not there", async () => {
    const before = process.env.SPARK_REMOTE;
    try {
      delete process.env.SPARK_REMOTE;
      expect((await errorOf(connect())).code).to.equal("INVALID_ARGUMENT");
      await using server = await startScriptedServer();
      process.env.SPARK_REMOTE = server.url;
      await using spark = await connect();
      expect(await spark.version()).to.equal("4.3.0");
    } finally {
      if (before === undefined) delete process.env.SPARK_REMOTE;
      else process.env.SPARK_REMOTE = before;
    }
  });

  it("names the user and the session, and the client says what it is", async () => {
    await using server = await startScriptedServer();
    const sessionId = "7ad37a06-6a7e-4d0c-95b7-9b0f5fd4f5b5";
    const url = `${server.url}/;user_id=M%C3%BCller;user_agent=report%201;session_id=${sessionId}`;
    await using spark = await connect(url);
    expect(spark.sessionId).to.equal(sessionId);
    const { message } = server.requests[0]!;
    expect(message).to.deep.include({ sessionId });
    expect(message.userContext?.userId).to.equal("Müller");
    expect(message.clientType).to.match(/^report 1 spark-arrow-stream\/\S+ node\/\S+ os\//);
  });

  it("puts parameters that mean nothing to the client into the metadata of every call, as options do", async () => {
    await using server = await startScriptedServer({ batches: idBatches(5) });
    const options = { headers: { "x-trace": "abc" } };
    const spark = await connect(`${server.url}/;x-cluster-id=1234%2F5;x-trace=overridden`, options);
    await sparkStream(spark.range(5)).toArray();
    await spark.close();
    expect(new Set(server.requests.map(({ method }) => method))).to.include.keys(
      "config",
      "executePlan",
      "releaseExecute",
      "releaseSession",
    );
    for (const { metadata } of server.requests) {
      expect(metadata).to.include({ "x-cluster-id": "1234/5", "x-trace": "abc" });
      expect(metadata).not.to.have.any.keys("use_ssl", "user_id", "token", "authorization");
    }
  });

  it("does not let a header through that cannot be sent", async () => {
    for (const headers of [{ "x y": "1" }, { "x-a": "line\nbreak" }, { "x-a-bin": "1" }] as Record<string, string>[]) {
      expect((await errorOf(connect("sc://localhost", { headers }))).code).to.equal("INVALID_ARGUMENT");
    }
  });
});

describe("a server that is not there", () => {
  it("is UNAVAILABLE within seconds where nobody listens, by host and port", async () => {
    const port = await freePort();
    const failure = connect(`sc://127.0.0.1:${port}`);
    expect(await ownTimeOf(failure)).to.be.below(3000);
    const error = await errorOf(failure);
    expect(error.code).to.equal("UNAVAILABLE");
    expect(error.message).to.include(`127.0.0.1:${port}`).and.to.include("ECONNREFUSED");
  });

  it("is UNAVAILABLE within seconds where the host has no address, also when its name looks like a TLS fault", async () => {
    for (const host of ["no-such-host.invalid", "tls-certificate.invalid"]) {
      const failure = connect(`sc://${host}:1234`);
      expect(await ownTimeOf(failure)).to.be.below(8000);
      const error = await errorOf(failure);
      expect(error.code).to.equal("UNAVAILABLE");
      expect(error.message).to.include(`${host}:1234`);
    }
  });

  it("is UNAVAILABLE within seconds where something listens and never answers, and holds up no process", async () => {
    notInCheck("it waits for 15 s");
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on("error", () => {}).resume()));
    const port = await listening(server);
    const entry = new URL("../../lib/index.ts", import.meta.url).href;
    const script = `import { connect } from "${entry}"; connect("sc://127.0.0.1:${port}", { connectTimeoutMs: 1500 }).catch((e) => console.log(e.code, e.message))`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 55_000 });
    expect(stdout)
      .to.match(/^UNAVAILABLE /)
      .and.to.include(`127.0.0.1:${port}`)
      .and.to.include("in time");
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it("is looked up by its name, also where that is a scheme to gRPC", async () => {
    for (const host of ["unix", "dns", "ipv4"]) {
      const error = await errorOf(connect(`sc://${host}:1`));
      expect(error.code).to.equal("UNAVAILABLE");
      expect(error.message).to.match(
        new RegExp(`server at ${host}:1: (Name resolution failed for target ${host}:1|.*ECONN)`),
      );
    }
  });

  it("is connected to by an IPv6 address", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).destroy());
    server.listen(0, "::1");
    await once(server, "listening");
    const asked = once(server, "connection");
    const error = await errorOf(connect(`sc://[::1]:${(server.address() as AddressInfo).port}`));
    expect(error.message).to.include("[::1]:");
    await asked;
    server.close();
  });

  it("is waited for as long as connectTimeoutMs says, and the session is there when it is", async () => {
    const port = await freePort();
    const connecting = connect(`sc://127.0.0.1:${port}`, { connectTimeoutMs: 30_000 });
    expect(await Promise.race([connecting, connect(`sc://127.0.0.1:${port}`).catch(() => "given up")])).to.equal(
      "given up",
    );
    await using server = await startScriptedServer();
    await using proxy = await startFaultProxy({ port: server.port }, undefined, port);
    await using spark = await connecting;
    expect(await spark.version()).to.equal("4.3.0");
    expect(proxy.port).to.equal(port);
  });

  it("is waited for no longer than that, and the error says so", async () => {
    const failure = connect(`sc://127.0.0.1:${await freePort()}`, { connectTimeoutMs: 1_500 });
    expect(await ownTimeOf(failure)).to.be.within(1_000, 5_000);
    expect((await errorOf(failure)).message).to.match(/ECONNREFUSED.*tried 2 times within 1\.5 s \(connectTimeoutMs\)/);
    for (const connectTimeoutMs of [0, -1, Number.NaN, 2 ** 31, "5" as never]) {
      expect((await errorOf(connect("sc://localhost", { connectTimeoutMs }))).code).to.equal("INVALID_ARGUMENT");
    }
  });

  it("is UNSUPPORTED where something else than a gRPC server answers", async () => {
    const page = createHttpServer((_request, response) => response.end("hello"));
    const other = createHttp2Server((_request, response) => response.writeHead(500).end("hello"));
    for (const server of [page, other]) {
      const port = await listening(server);
      const error = await errorOf(connect(`sc://127.0.0.1:${port}`));
      expect(error.code).to.equal("UNSUPPORTED");
      expect(error.message).to.include(`127.0.0.1:${port}`);
      server.close();
    }
  });

  const others: Readonly<Record<string, readonly [answer: string, says: RegExp]>> = {
    "Spark's web UI": [
      "HTTP/1.1 302 Found\r\nServer: Jetty(12.0.1)\r\nLocation: http://x/jobs/\r\nContent-Length: 0\r\n\r\n",
      /it is Spark's web UI \(302 Found, Jetty\(12\.0\.1\), http:\/\/x\/jobs\/\)/,
    ],
    "the web UI of a master": [
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><title>Spark Master at spark://m:7077</title>",
      /it is Spark's web UI \(200 OK, Spark Master at spark:\/\/m:7077\)/,
    ],
    Livy: [
      "HTTP/1.1 302 Found\r\nServer: Jetty(9.4.50)\r\nLocation: /ui\r\n\r\n<title>Livy - Sessions</title>",
      /it is Livy, which has an interface of its own/,
    ],
    "a proxy of HTTP/1": [
      "HTTP/1.1 400 Bad Request\r\nServer: squid/6.1\r\n\r\n",
      /it is a web server, or a proxy, that speaks HTTP\/1 only \(400 Bad Request, squid\/6\.1\)/,
    ],
    "another protocol": ["220 mail.example.com ESMTP\r\n", /it answers HTTP with something else/],
    "a Thrift server": [
      "",
      /it closes connections without a word, as a Thrift server does \(HiveServer2, port 10000\)/,
    ],
  };
  for (const [what, [answer, says]] of Object.entries(others)) {
    it(`is named within seconds where it is ${what}`, async () => {
      const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(answer)));
      const error = await errorOf(connect(`sc://127.0.0.1:${await listening(server)}`));
      server.close();
      expect(error.code).to.be.oneOf(["UNSUPPORTED", "UNAVAILABLE"]);
      expect(error.message).to.match(says);
    });
  }

  it("is UNSUPPORTED where it speaks gRPC but not Spark Connect", async () => {
    const unknown = () => {
      throw sparkError({ code: "UNIMPLEMENTED", message: "no such service" });
    };
    await using server = await startScriptedServer({ respond: { config: unknown, analyzePlan: unknown } });
    expect((await errorOf(connect(server.url))).code).to.equal("UNSUPPORTED");
  });
});

describe("TLS", () => {
  let authority: CertificateAuthority;
  let identity: Identity;
  let client: Identity;
  before(async () => {
    authority = await CertificateAuthority.create();
    identity = await authority.issue("server", localNames);
    client = await authority.issue("client");
  });

  async function connecting(server: ScriptedServerOptions, tls?: ConnectOptions["tls"], change = (url: string) => url) {
    await using running = await startScriptedServer(server);
    await using spark = await connect(change(running.url), tls === undefined ? {} : { tls });
    return await spark.version();
  }

  it("works with the certificate authority that the user gives, as text or bytes", async () => {
    const tls = identity;
    expect(await connecting({ tls }, { ca: authority.cert })).to.equal("4.3.0");
    expect(await connecting({ tls }, { ca: Buffer.from(authority.cert) })).to.equal("4.3.0");
    const byName = (url: string) => url.replace("127.0.0.1", "localhost");
    expect(await connecting({ tls }, { ca: authority.cert }, byName)).to.equal("4.3.0");
  });

  // As grpc-js has it, Node 26 refused to connect to an address at all.
  it("tells the server the name that it is connected by, but no address", async () => {
    for (const [host, expected] of Object.entries({ "127.0.0.1": false, localhost: "localhost" })) {
      const told = new Set<unknown>();
      const server = createTlsServer({ ...identity, ALPNProtocols: ["h2"] }, (socket) => {
        told.add((socket as { servername?: string | false }).servername);
        socket.destroy();
      });
      const port = await listening(server);
      await errorOf(connect(`sc://${host}:${port}`, { tls: { ca: authority.cert } }));
      server.close();
      expect([...told], host).to.deep.equal([expected]);
    }
  });

  it("is used for streams too", async () => {
    await using fixture = await scripted({ tls: identity, batches: idBatches(5) }, { tls: { ca: authority.cert } });
    expect(await sparkStream(fixture.spark.range(5)).toArray()).to.have.length(1);
  });

  it("fails for a certificate that nobody here trusts, and says how to trust it", async () => {
    const error = await errorOf(connecting({ tls: identity }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.match(/Cannot trust .*127\.0\.0\.1:\d+.*tls: \{ ca \}/);
  });

  it("fails for a certificate of another name, and says so", async () => {
    const other = await authority.issue("other", [{ type: "dns", value: "spark.example.com" }]);
    const error = await errorOf(connecting({ tls: other }, { ca: authority.cert }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.include("not valid for this host name").and.not.to.include("{ ca }");
  });

  it("shows the client's certificate to a server that asks for it", async () => {
    const tls = { ...identity, ca: authority.cert };
    expect(await connecting({ tls }, { ca: authority.cert, ...client })).to.equal("4.3.0");
  });

  it("fails without the certificate that the server asks for, and says which option gives one", async () => {
    const tls = { ...identity, ca: authority.cert };
    const error = await errorOf(connecting({ tls }, { ca: authority.cert }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.include("requires a client certificate").and.to.include("tls: { cert, key }");
  });

  it("fails with a certificate that the server does not trust, and says so", async () => {
    const foreign = await (await CertificateAuthority.create("Another")).issue("client");
    const tls = { ...identity, ca: authority.cert };
    const error = await errorOf(connecting({ tls }, { ca: authority.cert, ...foreign }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.include("does not accept the client's certificate");
  });

  // Its users were told to give a certificate of the client.
  it("fails with a server that has only TLS 1.1, and says that it is the version", async () => {
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    const server = createTlsServer({ ...identity, ...old }).on("tlsClientError", () => {});
    const port = await listening(server);
    const error = await errorOf(connect(`sc://127.0.0.1:${port}`, { tls: { ca: authority.cert } }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message)
      .to.match(/neither TLS 1\.2 nor TLS 1\.3.*protocol version/)
      .and.not.to.include("cert");
    server.close();
  });

  it("fails against a server of plain text, and says what to leave out", async () => {
    const error = await errorOf(connecting({}, { ca: authority.cert }));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.include("plain text").and.to.include("use_ssl");
  });

  it("is missed by a client of plain text, who is told how to ask for it", async () => {
    const plain = (url: string) => url.replace(/\/;use_ssl=true$/, "");
    const error = await errorOf(connecting({ tls: identity }, undefined, plain));
    expect(error.code).to.equal("TLS_FAILED");
    expect(error.message).to.include("speaks TLS").and.to.include("use_ssl=true");
  });

  it("is not tried with options that hold no certificate or no key", async () => {
    for (const tls of [{ ca: "nonsense" }, { cert: client.cert }, { ...client, key: "nonsense" }]) {
      expect((await errorOf(connecting({ tls: identity }, tls))).code).to.equal("INVALID_ARGUMENT");
    }
  });
});

describe("a token", () => {
  const token = "very-secret-token";

  it("opens the session, given as an option or in the URL", async () => {
    await using server = await startScriptedServer({ token });
    for (const [url, options] of [
      [server.url, { token }],
      [`${server.url}/;token=${token}`, {}],
    ] as const) {
      await using spark = await connect(url, options);
      expect(await spark.version()).to.equal("4.3.0");
    }
  });

  it("that is wrong or missing is UNAUTHENTICATED, and the two are told apart", async () => {
    await using server = await startScriptedServer({ token });
    const wrong = await errorOf(connect(server.url, { token: "another" }));
    const missing = await errorOf(connect(server.url));
    expect([wrong.code, missing.code]).to.deep.equal(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
    expect(wrong.message).to.include("does not accept the token");
    expect(missing.message).to.include("requires a token");
  });

  const refusals = [
    { code: "UNAUTHENTICATED" as const, message: "token expired" },
    { code: "PERMISSION_DENIED" as const, message: "token expired" },
  ];
  for (const refusal of refusals) {
    it(`of a function is asked for again once where the server answers ${refusal.code}, for any call and in mid-stream`, async () => {
      let asked = 0;
      let refused = false;
      const respond = {
        config: () => undefined,
        analyzePlan: () => {
          refused = !refused;
          if (refused) throw sparkError(refusal);
          return undefined;
        },
      };
      const faults = [0, 2].map((after, stream) => ({ stream, after, do: { status: refusal } }));
      await using fixture = await scripted(
        { batches: idBatches(10, 10, 10), respond, faults },
        { token: () => `token-number-${asked++}` },
      );
      const before = asked;
      expect(await fixture.spark.version()).to.equal("4.3.0");
      expect(asked - before).to.equal(2);
      expect((await sparkStream(fixture.spark.range(30)).toArray()).map(({ numRows }) => numRows)).to.deep.equal([
        10, 10, 10,
      ]);
      expect(fixture.server.operations[0]!.attaches).to.equal(3);
    });

    it(`that is constant is not sent again where the server answers ${refusal.code}`, async () => {
      const respond = {
        config: () => undefined,
        analyzePlan: () => {
          throw sparkError(refusal);
        },
      };
      const faults = [{ stream: 0, after: 2, do: { status: refusal } }];
      await using fixture = await scripted({ batches: idBatches(10, 10), respond, faults }, { token });
      const calls = () => fixture.server.requests.filter(({ method }) => method === "analyzePlan").length;
      expect((await errorOf(fixture.spark.version())).code).to.equal(refusal.code);
      expect(calls()).to.equal(1);
      expect((await errorOf(sparkStream(fixture.spark.range(20)).toArray())).code).to.equal(refusal.code);
      expect(fixture.server.operations[0]!.attaches).to.equal(1);
    });
  }

  it("that expires while a stream is read, and is not renewed, is UNAUTHENTICATED there", async () => {
    await using server = await startScriptedServer({
      token,
      batches: idBatches(10, 10),
      faults: [{ stream: 0, after: 2, do: "cut" }],
    });
    let current = token;
    await using spark = await connect(server.url, { token: () => current });
    const stream = sparkStream(spark.range(20))[Symbol.asyncIterator]();
    await stream.next();
    current = "expired";
    expect((await errorOf(stream.next())).code).to.equal("UNAUTHENTICATED");
    current = token;
  });

  it("of a function is asked for before every call", async () => {
    await using server = await startScriptedServer({ batches: idBatches(10) });
    let asked = 0;
    const spark = await connect(server.url, { token: async () => `token-${asked++}` });
    await sparkStream(spark.range(10)).toArray();
    await spark.close();
    const seen = server.requests.map(({ metadata }) => metadata.authorization);
    expect(seen).to.have.length.above(3);
    expect(new Set(seen).size).to.equal(seen.length);
  });

  it("that cannot be had is UNAUTHENTICATED, with the reason", async () => {
    await using server = await startScriptedServer();
    const cause = new Error("the vault is sealed");
    const error = await errorOf(connect(server.url, { token: () => Promise.reject(cause) }));
    expect(error).to.include({ code: "UNAUTHENTICATED", cause });
    expect(error.message).to.include("the vault is sealed");
  });

  it("that cannot be sent is INVALID_ARGUMENT", async () => {
    await using server = await startScriptedServer();
    for (const bad of [`${token}\n`, "☃", ""]) {
      const error = await errorOf(connect(server.url, { token: bad }));
      expect(error.code).to.equal("INVALID_ARGUMENT");
      expect(inspect(error)).not.to.include(token);
    }
  });

  it("is never shown: not by an error, not when a session, a DataFrame or a stream is printed", async () => {
    await using server = await startScriptedServer({
      token,
      batches: idBatches(10),
      faults: [{ do: "corrupt", after: 1 }],
    });
    const headers = { "x-api-key": `${token}-too` };
    const spark = await connect(server.url, { token, headers });
    const frame = spark.range(10);
    const stream = sparkStream(frame);
    const errors = [
      await errorOf(stream.toArray()),
      await errorOf(spark.conf.get("no.such.key")),
      await errorOf(connect(`${server.url}/;token=${token}x`)),
      await errorOf(connect(`sc://127.0.0.1:1/;token=${token}`)),
      await errorOf(connect(`sc://127.0.0.1/;token=${token};use_ssl`)),
      await errorOf(connect(`sc://127.0.0.1:x/;token=${token}`)),
    ];
    await spark.close();
    for (const thing of [spark, frame, stream, spark.conf, ...errors]) {
      const printed = inspect(thing, { depth: 12, showHidden: true, getters: true });
      expect(printed).not.to.include(token);
      if (thing !== stream) expect(JSON.stringify(thing) ?? "").not.to.include(token);
    }
    for (const error of errors) expect(`${error.stack}${error}`).not.to.include(token);
  });

  // Gateways like to answer with what they were sent.
  it("is not shown either where the server repeats it, nor is a header", async () => {
    const apiKey = "a-very-secret-key";
    const said = `no access for Bearer ${token} with ${apiKey}`;
    const errors = [];
    for (const init of [{ code: "PERMISSION_DENIED" as const }, { errorClass: "ODD", messageParameters: { said } }]) {
      const respond = {
        config: () => undefined,
        analyzePlan: () => {
          throw sparkError({ ...init, message: said });
        },
      };
      const faults = [{ do: { status: { ...init, message: said } } }];
      await using fixture = await scripted(
        { batches: idBatches(1), respond, faults },
        { token: () => token, headers: { "x-api-key": apiKey } },
      );
      errors.push(await errorOf(fixture.spark.version()), await errorOf(sparkStream(fixture.spark.range(1)).toArray()));
    }
    expect(errors.map(({ code }) => code)).to.have.members([
      "PERMISSION_DENIED",
      "PERMISSION_DENIED",
      "QUERY_FAILED",
      "QUERY_FAILED",
    ]);
    for (const error of errors) {
      const shown = `${inspect(error, { depth: 12, showHidden: true, getters: true })}${JSON.stringify(error)}${error.stack}`;
      expect(shown).to.include("no access for Bearer ***");
      expect(shown).not.to.include(token).and.not.to.include(apiKey);
      expect(shown).not.to.include(
        Buffer.from(token)
          .toString("hex")
          .replace(/(..)(?=.)/g, "$1 "),
      );
    }
  });
});
