// How executors reach the stream, who else does, and what anybody gets to see of it.
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { inspect } from "node:util";
import { expect } from "chai";
import { type PushOptions, type SparkSession, sparkStream } from "../../lib/index.js";
import { HELLO_BYTES, NONCE_BYTES, PROOF_BYTES } from "../../lib/tasks/claim.js";
import { Secret } from "../../lib/tasks/proof.js";
import { sparkError } from "../../lib/testing/index.js";
import { barePython } from "../support/bare-python.js";
import { CertificateAuthority, localNames } from "../support/certificates.js";
import { EventLog } from "../support/event-log.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { freePort } from "../support/free-port.js";
import { errorOf, idBatches, scripted } from "../support/scripted.js";
import { sparkServer, sparkSession } from "../support/spark.js";

const SECONDS = 1000;

describe('Executors on their way to delivery: "push"', function () {
  this.timeout(120_000);
  const log = new EventLog();
  const options = { conf: log.conf };
  let spark: SparkSession;
  const pushed = async (push: PushOptions, session = spark) =>
    await sparkStream(session.range(0, 1000, 1, 2), { delivery: "push", push }).toArray();

  beforeEach(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession(options); // a new one: what was reached is not tried again
  });
  afterEach(() => spark?.close());

  const wrong: Record<string, [() => Promise<PushOptions> | PushOptions, code: string, text: RegExp]> = {
    "that nobody listens on": [
      async () => ({ advertise: `127.0.0.1:${await freePort()}` }),
      "UNREACHABLE",
      /127\.0\.0\.1:\d+ cannot be reached from .*: \[Errno 111\] Connection refused/,
    ],
    "whose name stands for nothing": [
      () => ({ advertise: "nowhere.invalid" }),
      "UNREACHABLE",
      /nowhere\.invalid:\d+ cannot be reached from .*[Nn]ame/,
    ],
  };
  for (const [what, [push, code, text]] of Object.entries(wrong)) {
    it(`find out within seconds about an address ${what}`, async () => {
      await pushed({}); // the first Python of a session is slow
      const begin = performance.now();
      const error = await errorOf(pushed(await push()));
      expect(error).to.include({ code });
      expect(error.message).to.match(text).and.include('delivery: "staged"');
      expect(performance.now() - begin).to.be.below(8 * SECONDS);
    });
  }

  it("are told of a port by another number, where it is another one for them", async () => {
    const port = await freePort();
    await using proxy = await startFaultProxy({ port });
    expect(await pushed({ port, advertise: `localhost:${proxy.port}` })).to.have.length(2);
    expect(proxy.connections).to.have.length(3);
  });

  it("never hear of a port that is taken, or of options that cannot be", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await errorOf(pushed({ port }))).to.include({ code: "PORT_IN_USE" });
    server.close();
    for (const push of [
      { advertise: "a:b:c" },
      { advertise: "x:99999" },
      { advertise: "[x]:1" },
      { host: "192.0.2.99" },
    ]) {
      expect(await errorOf(pushed(push)), JSON.stringify(push)).to.include({ code: "INVALID_ARGUMENT" });
    }
    const plain = await errorOf(pushed({ tls: false, advertise: "192.0.2.99" }));
    expect(plain).to.include({ code: "INVALID_ARGUMENT" });
    expect(plain.message).to.include("plain text");
  });

  const missing: Record<string, [python: () => Promise<string>, text: string]> = {
    "there is no Python": [async () => "/nonexistent/python3", "there is no Python that Spark can start"],
    "their Python has no pyarrow": [barePython, "their Python has no pyarrow"],
  };
  for (const [what, [python, text]] of Object.entries(missing)) {
    it(`say that ${what}`, async () => {
      await spark.conf.set("spark.sql.execution.pyspark.python", await python());
      const error = await errorOf(pushed({}));
      expect(error).to.include({ code: "UNSUPPORTED" });
      expect(error.message).to.include(text).and.include('delivery: "staged"');
    });
  }

  it("may not run functions: the error says so, and what to do instead", async () => {
    const failure = sparkError({
      message: "Python UDFs are disabled here.",
      errorClass: "FORBIDDEN",
      sqlState: "42501",
    });
    await using server = await scripted({
      batches: idBatches(1),
      respond: {
        executePlan() {
          throw failure;
        },
        analyzePlan: ({ analyze }) => {
          if (analyze.case === "isStreaming") return { result: { case: "isStreaming", value: { isStreaming: false } } };
          return undefined;
        },
      },
    });
    const error = await errorOf(sparkStream(server.spark.range(10), { delivery: "push" }).toArray());
    expect(error).to.include({ code: "UNSUPPORTED" });
    expect(error.message).to.include("Python UDFs are disabled here.").and.include('delivery: "staged"');
  });

  it("speak TLS on an address that is not loopback, and where it is asked for", async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === "IPv4" && !address.internal)?.address;
    for (const push of [own ? { host: own } : { host: "127.0.0.2", tls: true }, { tls: true }]) {
      const [host, port] = [push.host ?? "127.0.0.1", await freePort()];
      const firstBytes: number[] = [];
      const tap = createServer((task) => {
        task.once("data", (chunk: Buffer) => firstBytes.push(chunk[0]!));
        const stream = connectTcp(port, host);
        pipeline(task, stream, task, () => {});
      }).listen(0, host);
      await once(tap, "listening");
      const { port: tapped } = tap.address() as AddressInfo;
      expect(await pushed({ ...push, port, advertise: `${host}:${tapped}` })).to.have.length(2);
      tap.close();
      expect(firstBytes, "TLS handshakes").to.deep.equal([0x16, 0x16, 0x16]);
    }
  });

  it("send not a byte to one with another certificate", async () => {
    const { cert, key } = await (await CertificateAuthority.create()).issue("impostor", localNames);
    await using impostor = await listening(createTlsServer({ cert, key }));
    const error = await errorOf(pushed({ tls: true, advertise: `127.0.0.1:${impostor.port}` }));
    expect(error).to.include({ code: "UNREACHABLE" });
    expect(error.message).to.include("is not this stream's");
    expect(impostor.bytes).to.equal(0);
  });

  it("send nothing but a nonce and a proof to one who does not know the secret", async () => {
    await using impostor = await listening(createServer());
    const error = await errorOf(pushed({ advertise: `127.0.0.1:${impostor.port}` }));
    expect(error.message).to.include("does not know the stream's secret");
    expect(impostor.bytes).to.equal(HELLO_BYTES);
  });

  it("leave no trace of the secret in what Spark records, in errors and in what is printed", async () => {
    const secrets = await secretsOf(async () => {
      await pushed({});
      const frame = spark.sql("SELECT id, assert_true(id < 5) FROM range(0, 10, 1, 2)");
      const stream = sparkStream(frame, { delivery: "push" });
      const error = await errorOf(stream.toArray());
      const shown = [
        inspect(error, { depth: 9 }),
        JSON.stringify(error),
        error.serverStackTrace,
        inspect(stream, { depth: 9 }),
      ];
      return shown.join();
    });
    expect(secrets.keys).to.have.length(2);
    await sparkServer(options);
    const [name] = await readdir(log.directory);
    const recorded = await readFile(join(log.directory, name!), "utf8");
    expect(recorded).to.include("push");
    for (const hex of secrets.keys) {
      const forms = [
        hex,
        Buffer.from(hex).toString("base64").replace(/=+$/, ""),
        Buffer.from(hex, "hex").toString("base64"),
      ];
      for (const form of forms) {
        expect(recorded.includes(form), "event log").to.equal(false);
        expect(secrets.shown.includes(form), "shown").to.equal(false);
      }
    }
  });
});

/** Somebody who gives himself out for a stream, and counts what he is sent. */
async function listening(server: Server): Promise<{ port: number; readonly bytes: number } & AsyncDisposable> {
  let bytes = 0;
  const onSocket = (socket: Socket) => {
    socket.write(Buffer.alloc(NONCE_BYTES + PROOF_BYTES));
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
  };
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", onSocket).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** The secrets of the streams that come and go meanwhile. */
async function secretsOf(run: () => Promise<string>): Promise<{ keys: string[]; shown: string }> {
  const keys: string[] = [];
  const forget = Secret.prototype.forget;
  Secret.prototype.forget = function () {
    keys.push(this.hex);
    forget.call(this);
  };
  try {
    return { shown: await run(), keys };
  } finally {
    Secret.prototype.forget = forget;
  }
}
