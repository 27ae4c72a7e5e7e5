import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { expect } from "chai";
import { type LocalSpark, startLocalSpark } from "../../lib/local/index.js";
import { findJava, provisionJava } from "../../lib/local/java.js";
import { JVM_OPTIONS } from "../../lib/local/launch.js";
import { SparkServer } from "../../lib/local/server.js";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { alive, failure } from "../local/support.js";
import { runPython } from "../support/python.js";
import { until } from "../support/until.js";

const owner = fileURLToPath(new URL("../local/spark-owner.ts", import.meta.url));

/** The gRPC status of a call that holds nothing, with or without a token. */
function statusOfCall(url: string, token?: string): Promise<number> {
  const client = new Client(url.replace("sc://", ""), credentials.createInsecure());
  const metadata = new Metadata();
  if (token) metadata.set("authorization", `Bearer ${token}`);
  const bytes = (value: Buffer) => value;
  return new Promise<number>((resolve) => {
    const path = "/spark.connect.SparkConnectService/Config";
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, { deadline }, (error) =>
      resolve(error?.code ?? status.OK),
    );
  }).finally(() => client.close());
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

/** The ports on which a process listens: of /proc on Linux, by lsof elsewhere. */
async function listeningPorts(pid: number): Promise<number[]> {
  if (process.platform !== "linux") {
    const output = execFileSync("lsof", ["-a", "-p", String(pid), "-iTCP", "-sTCP:LISTEN", "-P", "-n", "-F", "n"]);
    return [...output.toString().matchAll(/:(\d+)$/gm)].map((match) => Number(match[1]));
  }
  const fds = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readFile(`/proc/${pid}/net/${name}`, "utf8")));
  const rows = tables.flatMap((table) => table.split("\n").map((row) => row.trim().split(/\s+/)));
  return rows
    .filter((row) => row[3] === "0A" && links.includes(`socket:[${row[9]}]`))
    .map((row) => Number.parseInt(row[1]!.split(":")[1]!, 16));
}

describe("a local Spark", function () {
  this.timeout(600_000); // the first of them installs Spark

  // Each server's files are in a directory below this one, which must be gone with it.
  let temporary = "";
  const previous = process.env.TMPDIR;
  const serverFiles = async () =>
    (await readdir(temporary)).filter((name) => name.startsWith("spark-arrow-stream-local-"));
  before(async () => {
    temporary = await mkdtemp(join(tmpdir(), "spark-local-test-"));
    process.env.TMPDIR = temporary;
  });
  after(async () => {
    if (previous === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = previous;
    await rm(temporary, { recursive: true, force: true });
  });

  describe("that runs", () => {
    let spark: LocalSpark;
    let startMs = 0;
    before(async () => {
      await findSparkHome({});
      const begun = Date.now();
      spark = await startLocalSpark({ master: "local[2]", conf: { "spark.sql.shuffle.partitions": "3" } });
      startMs = Date.now() - begun;
    });
    after(() => spark?.close());

    it("is up within 15 seconds once it is installed", () => {
      expect(startMs).to.be.below(15_000);
    });

    it("demands its token", async () => {
      expect(await statusOfCall(spark.url)).to.equal(status.UNAUTHENTICATED);
      expect(await statusOfCall(spark.url, "0".repeat(64))).to.equal(status.UNAUTHENTICATED);
      expect(await statusOfCall(spark.url, spark.token)).not.to.equal(status.UNAUTHENTICATED);
    });

    it("has a token of 256 bits, which is neither in its URL nor where the object is logged nor on a command line", () => {
      expect(spark.token).to.match(/^[0-9a-f]{64}$/);
      const processes = execFileSync("ps", ["-A", "-ww", "-o", "args="], { encoding: "utf8" });
      expect(processes).to.include("java.args");
      for (const text of [spark.url, inspect(spark, { depth: 9 }), JSON.stringify(spark), processes]) {
        expect(text).not.to.include(spark.token);
      }
    });

    it("listens on 127.0.0.1 alone, with all its ports", async () => {
      const others = Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .filter(({ internal, family }) => !internal && family === "IPv4")
        .map(({ address }) => address);
      if (process.platform === "linux") others.push("127.0.0.2"); // all of 127.0.0.0/8 is this machine there
      const ports = await listeningPorts(spark.pid);
      expect(ports).to.include(Number(spark.url.split(":").at(-1)));
      expect(others).not.to.have.length(0);
      for (const port of ports) {
        expect(await answers("127.0.0.1", port), `127.0.0.1:${port}`).to.equal(true);
        for (const host of others) expect(await answers(host, port), `${host}:${port}`).to.equal(false);
      }
    });

    it("runs queries and Python functions, and leaves nothing in the working directory", async () => {
      const script = `
import json, os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
def where(batches):
    import pyarrow as pa, sys
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"prefix": [sys.prefix]})
spark.range(5).write.saveAsTable("five")
print(json.dumps({
    "rows": spark.table("five").count(),
    "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
    "prefix": spark.range(1).mapInArrow(where, "prefix string").collect()[0][0],
}))`;
      // PySpark sends a token without TLS to "localhost" only.
      const url = spark.url.replace("127.0.0.1", "localhost");
      const env = { SPARK_CONNECT_AUTHENTICATE_TOKEN: spark.token };
      const before = await readdir(".");
      const home = await findSparkHome({});
      expect(await runPython(script, [url], { env })).to.deep.equal({
        rows: 5,
        partitions: "3",
        prefix: home.python === undefined ? undefined : dirname(dirname(home.python)),
      });
      expect(await readdir(".")).to.deep.equal(before);
    });

    it("keeps its files to itself", async () => {
      const [directory] = await serverFiles();
      const { stdout } = await promisify(execFile)("ls", ["-ld", join(temporary, directory!)]);
      expect(stdout).to.match(/^drwx------/);
    });

    it("is gone after close, with its files, however often it is closed", async () => {
      await Promise.all([spark.close(), spark.close()]);
      await spark.close();
      await spark.exited;
      expect(alive(spark.pid)).to.equal(false);
      expect(await serverFiles()).to.deep.equal([]);
    });
  });

  it("is closed by await using", async () => {
    let pid = 0;
    {
      await using spark = await startLocalSpark({ master: "local[1]" });
      pid = spark.pid;
      expect(alive(pid)).to.equal(true);
    }
    expect(alive(pid)).to.equal(false);
  });

  it("says so when it ends by itself", async () => {
    const spark = await startLocalSpark({ master: "local[1]" });
    process.kill(spark.pid, "SIGKILL");
    const error = await failure(spark.exited);
    expect(error.code).to.equal("LOCAL_SPARK_FAILED");
    expect(error.message).to.include("ended unexpectedly (signal 9)").and.include("server started at");
    await spark.close();
    expect(await serverFiles()).to.deep.equal([]);
  });

  it("takes the port that was asked for, and says so when that is taken", async () => {
    const first = await startLocalSpark({ master: "local[1]" });
    const port = Number(first.url.split(":").at(-1));
    try {
      const error = await failure(startLocalSpark({ master: "local[1]", port }));
      expect(error.code).to.equal("PORT_IN_USE");
      expect(error.message).to.include(String(port));
    } finally {
      await first.close();
    }
    const second = await startLocalSpark({ master: "local[1]", port });
    await second.close();
    expect(second.url).to.equal(first.url);
    expect(await serverFiles()).to.deep.equal([]);
  });

  it("that does not come up is explained by the end of its log", async () => {
    const error = await failure(startLocalSpark({ conf: { "spark.driver.maxResultSize": "plenty" } }));
    expect(error.code).to.equal("LOCAL_SPARK_FAILED");
    expect(error.message).to.include("did not start (exit code 1)");
    expect(error.message).to.include(`'plenty' in the config "spark.driver.maxResultSize" is invalid`);
    expect(error.message).not.to.match(/^\s+at /m);
    expect(await serverFiles()).to.deep.equal([]);
  });

  it("that is no longer wanted while it starts leaves nothing behind", async () => {
    const controller = new AbortController();
    const promise = startLocalSpark({ signal: controller.signal });
    await until(async () => (await serverFiles()).length > 0, "the start has begun");
    const reason = new Error("changed my mind");
    controller.abort(reason);
    expect(await promise.catch((error: unknown) => error), "rejection").to.equal(reason);
    expect(await serverFiles()).to.deep.equal([]);
  });

  it("is gone within seconds when its owner is killed", async () => {
    const parent = spawn(process.execPath, ["--import", "tsx", owner, "stay"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    expect(alive(Number(line))).to.equal(true);
    parent.kill("SIGKILL");
    await until(() => !alive(Number(line)), "the server is gone");
    await until(async () => (await serverFiles()).length === 0, "its files are gone");
  });

  it("does not keep its owner from ending, and ends with it", async () => {
    const parent = spawn(process.execPath, ["--import", "tsx", owner, "end"], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = once(createInterface({ input: parent.stdout }), "line") as Promise<[string]>;
    const [[line], [code]] = await Promise.all([lines, once(parent, "exit")]);
    expect(code).to.equal(0);
    await until(() => !alive(Number(line)), "the server is gone");
  });

  it("starts on the Java that is installed where there is none, from a path with a space", async () => {
    process.env.TMPDIR = join(temporary, "a 'b' \"c");
    await mkdir(process.env.TMPDIR);
    try {
      const [home, java] = [await findSparkHome({}), await provisionJava({})];
      const base = { master: "local[1]", conf: {}, port: 0, driverMemory: "1g", jvmOptions: [], env: process.env };
      const server = await SparkServer.start({ ...base, home, java });
      expect(await statusOfCall(`127.0.0.1:${server.port}`)).to.equal(status.UNAUTHENTICATED);
      await server.close();
      expect(await readdir(process.env.TMPDIR)).to.deep.equal([]);
    } finally {
      await rm(process.env.TMPDIR, { recursive: true });
      process.env.TMPDIR = temporary;
    }
  });

  it("is started with the options of the virtual machine that Spark's own launcher gives", async () => {
    const [home, java] = [await findSparkHome({}), (await findJava()) ?? (await provisionJava({}))];
    const env = { ...process.env, SPARK_HOME: home.dir, SPARK_SCALA_VERSION: "2.13" };
    const launcher = ["org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit", "--class", "x", "y"];
    const { stdout } = await promisify(execFile)(java.command, ["-cp", join(home.dir, "jars", "*"), ...launcher], {
      env,
    });
    const given = stdout.split("\0").filter((argument) => /^-(-|D|XX)/.test(argument));
    const ours = given.filter((argument) => !/^--(class|add-modules)/.test(argument));
    expect(JVM_OPTIONS).to.deep.equal(ours);
  });
});
