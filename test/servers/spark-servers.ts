/**
 * The servers of Spark Connect that the package is tried on, besides the one that `connect("local")` installs: older
 * Sparks from the Python package index, whose Connect server is a jar of Maven Central before 4.0, and Sail.
 */
import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findJava, provisionJava } from "../../lib/local/java.js";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { SparkServer } from "../../lib/local/server.js";
import { provisionVenv, type Venv } from "../../lib/local/venv.js";
import { freePort } from "../support/free-port.js";
import { listening } from "../support/listening.js";

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly token?: string;
  /** Its own Python, with PySpark's client of that version. */
  readonly python: string;
}

export interface ServerKind {
  /** Of the table: "Spark 3.5.7". */
  readonly title: string;
  provision(): Promise<Venv>;
  start(conf?: Readonly<Record<string, string>>): Promise<RunningServer>;
}

/** What PySpark's Connect client imports: versions that each knows. */
const clientPackages = {
  before41: [
    "pandas==2.3.3",
    "pyarrow==20.0.0",
    "grpcio==1.71.2",
    "grpcio-status==1.71.2",
    "googleapis-common-protos==1.70.0",
    "protobuf==5.29.5",
    "zstandard==0.23.0",
    "setuptools==80.9.0",
  ],
  from41: [
    "pandas==2.3.3",
    "pyarrow==26.0.1",
    "grpcio==1.85.1",
    "grpcio-status==1.85.1",
    "googleapis-common-protos==1.76.0",
    "protobuf==7.36.2",
    "zstandard==0.25.0",
  ],
};

const onProgress = (what: string) => process.stderr.write(`${what}\n`);

function spark(version: string, connectJar?: { scala: string; sha256: string }): ServerKind {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  const client = major > 4 || (major === 4 && minor >= 1) ? clientPackages.from41 : clientPackages.before41;
  const provision = () =>
    provisionVenv({
      name: `test-spark-${version}`,
      packages: [`pyspark==${version}`, ...client],
      onProgress,
      ...(connectJar && {
        finish: ({ sitePackages }) => download(version, connectJar, join(sitePackages, "pyspark", "jars")),
      }),
    });
  return {
    title: `Spark ${version}`,
    provision,
    async start(conf = {}) {
      const [venv, java] = await Promise.all([provision(), findJava()]);
      const home = {
        dir: join(venv.sitePackages, "pyspark"),
        version,
        python: venv.python,
        pythonPath: venv.sitePackages,
        installed: false,
      };
      const server = await SparkServer.start({
        home,
        java: java ?? (await provisionJava({})),
        master: "local[2]",
        conf,
        port: connectJar ? await freePort() : 0, // before 4.0 a server does not say which one it chose
        driverMemory: "4g",
        env: process.env,
        jvmOptions: [],
      });
      return {
        url: `sc://127.0.0.1:${server.port}`,
        token: server.token,
        python: venv.python,
        [Symbol.asyncDispose]: () => server.close(),
      };
    },
  };
}

async function download(version: string, { scala, sha256 }: { scala: string; sha256: string }, jars: string) {
  const artifact = `spark-connect_${scala}`;
  const name = `${artifact}-${version}.jar`;
  onProgress(`Downloading ${name}`);
  const answer = await fetch(`https://repo1.maven.org/maven2/org/apache/spark/${artifact}/${version}/${name}`);
  if (!answer.ok) throw new Error(`${answer.url}: HTTP ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw new Error(`${answer.url}: its SHA-256 is ${found}, not ${sha256}`);
  await writeFile(join(jars, `${name}.part`), bytes);
  await rename(join(jars, `${name}.part`), join(jars, name));
}

function sail(version: string): ServerKind {
  const provision = () =>
    provisionVenv({
      name: `test-sail-${version}`,
      packages: [`pysail==${version}`, "pyspark==4.0.5", "py4j==0.10.9.9", ...clientPackages.before41],
      onProgress,
    });
  return {
    title: `Sail ${version}`,
    provision,
    async start() {
      const venv = await provision();
      const port = await freePort();
      const owned = new OwnedProcess(
        [join(venv.dir, "bin", "sail"), "spark", "server", "--ip", "127.0.0.1", "--port", `${port}`],
        {
          env: { ...process.env, RUST_LOG: "error" },
          output: 2,
        },
      );
      owned.unref();
      await listening(port);
      return { url: `sc://127.0.0.1:${port}`, python: venv.python, [Symbol.asyncDispose]: () => owned.stop() };
    },
  };
}

export const servers = {
  "3.5": spark("3.5.7", { scala: "2.12", sha256: "15366e21273a874c760b51fa00743a2acb8fa78642cc35d7a076a3ade0c5eef6" }),
  "4.0": spark("4.0.5"),
  "4.1": spark("4.1.4"),
  "4.2": spark("4.2.1"),
  "4.3": spark("4.3.0"),
  sail: sail("0.7.2"),
} as const;

export type ServerName = keyof typeof servers;
