// A real Spark behind a real proxy, Envoy, which speaks TLS and HTTP/2 to the outside, as the docs configure it.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { type ConnectOptions, connect, type SparkSession, sparkStream } from "../../lib/index.js";
import { CertificateAuthority, type Identity, localNames } from "../support/certificates.js";
import { type Envoy, startEnvoy } from "../support/envoy.js";
import { freePort } from "../support/free-port.js";
import { errorOf } from "../support/scripted.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";

describe("A Spark behind Envoy, over TLS,", function () {
  this.timeout(120_000);
  let authority: CertificateAuthority;
  let tls: Identity;
  let ui: SparkUi;
  let upstream: number;
  let token: string;
  const running: AsyncDisposable[] = [];

  before(async function () {
    this.timeout(600_000); // the first start installs Spark and Envoy
    authority = await CertificateAuthority.create();
    tls = await authority.issue("spark", localNames);
    ui = await SparkUi.open();
    upstream = Number(new URL(ui.server.url.replace("sc:", "http:")).port);
    token = ui.server.token;
  });
  afterEach(async () => {
    for (const resource of running.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  });

  async function envoy(changes: Readonly<Record<string, string>> = {}, port = upstream): Promise<Envoy> {
    const proxy = await startEnvoy({ upstream: port, tls, changes });
    running.push(proxy);
    return proxy;
  }

  const own = () => ({ token, tls: { ca: authority.cert } });

  async function sessionBehind(proxy: Envoy, options: ConnectOptions = own()): Promise<SparkSession> {
    const spark = await connect(`sc://localhost:${proxy.port}/;use_ssl=true`, options);
    running.push(spark);
    return spark;
  }

  /** What the proxy is to do with streams beyond what is documented. */
  const manager = (line: string) => ({ "codec_type: HTTP2": `codec_type: HTTP2\n                ${line}` });
  /** Fails if an id is not the one after the last, or was there before. */
  async function countIds(stream: ReturnType<typeof sparkStream>, onBatch?: (rows: number) => Promise<unknown>) {
    let next = 0n;
    for await (const batch of stream) {
      for (const id of batch.getChild("id")!) if (id !== next++) expect.fail(`${id} came where ${next - 1n} should`);
      await onBatch?.(Number(next));
    }
    return Number(next);
  }

  it("gives results and staged frames whole, errors with class and SQLSTATE, and rows of 20 MB", async () => {
    const spark = await sessionBehind(await envoy());
    const frame = spark.sql("SELECT id, repeat('x', 200) AS text FROM range(0, 200000, 1, 4)");
    expect(await countIds(sparkStream(frame))).to.equal(200_000);
    const directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-staged-"));
    expect(await countIds(sparkStream(frame, { delivery: "staged", staged: { path: directory } }))).to.equal(200_000);
    await spark.client.stopped();
    expect(await readdir(directory)).to.deep.equal([]);
    await rm(directory, { recursive: true });
    const [large] = await sparkStream(spark.sql("SELECT repeat('x', 20000000) AS text")).toArray();
    expect(large!.getChild("text")!.get(0)).to.have.length(20_000_000);
    const error = await errorOf(sparkStream(spark.sql("SELECT nothing FROM range(1)")).toArray());
    expect(error).to.deep.include({ code: "QUERY_FAILED", sqlState: "42703" });
    expect(error.errorClass).to.match(/^UNRESOLVED_COLUMN/);
  });

  it("stops the job when a stream is aborted", async () => {
    const spark = await sessionBehind(await envoy());
    const frame = spark.sql("SELECT sum(id % 7) FROM range(0, 100000000000, 1, 2)");
    const abort = new AbortController();
    const failed = sparkStream(frame, { signal: abort.signal })
      .toArray()
      .catch((error: Error) => error.name);
    await until(async () => (await ui.runningTasks()) > 0, "tasks run");
    abort.abort();
    expect(await failed).to.equal("AbortError");
    await until(async () => (await ui.runningTasks()) === 0, "no task runs");
  });

  it("loses nothing if the proxy cuts streams that are quiet, in the middle of a query and of a result", async () => {
    const proxy = await envoy({ "stream_idle_timeout: 300s": "stream_idle_timeout: 1s" });
    const spark = await sessionBehind(proxy);
    await spark.conf.set("spark.connect.progress.reportInterval", "60s");
    // Quiet for ten seconds: cut ten times.
    const quiet = spark.sql(
      "SELECT id, java_method('java.lang.Thread', 'sleep', 10000L) AS s FROM range(0, 5, 1, 1) LIMIT 1",
    );
    expect(await countIds(sparkStream(quiet.select("id")))).to.equal(1);
    // A consumer that sleeps.
    const frame = spark.sql("SELECT id, repeat('x', 2000) AS text FROM range(0, 40000, 1, 4)");
    let slept = 0;
    const rows = await countIds(sparkStream(frame, { readAheadBytes: 1_000_000 }), async () => {
      if (slept++ < 2) await sleep(3_000); // how long it takes is what is tried
    });
    expect(rows).to.equal(40_000);
  });

  for (const delivery of ["result", "staged"] as const) {
    it(`"${delivery}" loses nothing if the proxy cuts every stream after two seconds`, async () => {
      const proxy = await envoy(manager("common_http_protocol_options: { max_stream_duration: 2s }"));
      const spark = await sessionBehind(proxy);
      const frame = spark.sql("SELECT id, repeat('x', 2000) AS text FROM range(0, 40000, 1, 8)");
      let batches = 0;
      const rows = await countIds(sparkStream(frame, { delivery, readAheadBytes: 1_000_000 }), async () => {
        if (batches++ % 2 === 0) await sleep(1_500); // how long it takes is what is tried
      });
      expect(rows).to.equal(40_000);
    });
  }

  it("loses nothing if the proxy restarts in the middle of a result", async () => {
    const proxy = await envoy();
    const spark = await sessionBehind(proxy);
    const frame = spark.sql("SELECT id, repeat('x', 2000) AS text FROM range(0, 40000, 1, 4)");
    let restarted = false;
    const rows = await countIds(sparkStream(frame, { readAheadBytes: 1_000_000 }), async () => {
      if (!restarted) await proxy.restart();
      restarted = true;
    });
    expect(rows).to.equal(40_000);
  });

  it("names a limit of the proxy that a request is over", async () => {
    const buffer = `- name: envoy.filters.http.buffer
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 100000 }
                  - name: envoy.filters.http.router`;
    const spark = await sessionBehind(await envoy({ "- name: envoy.filters.http.router": buffer }));
    const text = Array.from({ length: 1000 }, (_, index) => String(index).padStart(1000, "x"));
    const frame = spark.createDataFrame(tableFromArrays({ text }));
    const error = await errorOf(sparkStream(frame).toArray());
    expect(error.code, error.message).to.equal("MESSAGE_TOO_LARGE");
    expect(await sparkStream(spark.range(1)).toArray()).to.have.length(1);
  });

  it("is UNAVAILABLE, in the proxy's own words, if the proxy does not reach it", async () => {
    const proxy = await envoy({}, await freePort());
    const error = await errorOf(connect(`sc://localhost:${proxy.port}`, own()));
    expect(error.code, error.message).to.equal("UNAVAILABLE");
    expect(error.message).to.match(/upstream/);
  });

  it("says why a certificate is not taken", async () => {
    const proxy = await envoy();
    const stranger = await CertificateAuthority.create("Somebody Else");
    const error = await errorOf(connect(`sc://localhost:${proxy.port}`, { token, tls: { ca: stranger.cert } }));
    expect(error.code, error.message).to.equal("TLS_FAILED");
    const plain = await errorOf(connect(`sc://localhost:${proxy.port}`, { tls: false }));
    expect(plain.code, plain.message).to.equal("TLS_FAILED");
  });

  it("says that a proxy with HTTP/1 alone is no way to Spark", async () => {
    const proxy = await envoy({
      "codec_type: HTTP2": "codec_type: HTTP1",
      "alpn_protocols: [h2]": 'alpn_protocols: ["http/1.1"]',
    });
    const error = await errorOf(connect(`sc://localhost:${proxy.port}`, own()));
    expect(error.code, error.message).to.equal("UNSUPPORTED");
    expect(error.message).to.match(/HTTP\/1 only \(.*envoy/);
  });

  it("answers 401 from the proxy's own check of tokens with UNAUTHENTICATED", async () => {
    const proxy = await envoy({
      "route: { cluster: spark, timeout: 0s }": 'direct_response: { status: 401, body: { inline_string: "no token" } }',
    });
    const error = await errorOf(connect(`sc://localhost:${proxy.port}`, own()));
    expect(error.code, error.message).to.equal("UNAUTHENTICATED");
  });
});
