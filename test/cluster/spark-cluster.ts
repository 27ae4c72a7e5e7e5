/**
 * Spark standalone on this machine: a master, workers of one core each, and a Connect server whose executors are theirs. It is
 * made of the Spark that the tests install.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findJava, provisionJava } from "../../lib/local/java.js";
import { JVM_OPTIONS } from "../../lib/local/launch.js";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { SparkServer } from "../../lib/local/server.js";
import { ServerLog } from "../../lib/local/server-log.js";
import { findSparkHome } from "../../lib/local/spark-home.js";

export interface SparkCluster extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Process ids of the executors that run now. */
  executors(): Promise<number[]>;
  /** One more worker, and so one more executor. */
  addWorker(): Promise<void>;
  /** Kills the Connect server, its driver with it, and starts another one on the same port, with another token. */
  restartServer(): Promise<void>;
  /** Kills the worker that came first, with its executor; it does not come back. */
  killWorker(): void;
}

export async function startCluster(
  workers: number,
  conf: Readonly<Record<string, string>> = {},
): Promise<SparkCluster> {
  const [home, found] = await Promise.all([findSparkHome({}), findJava()]);
  const java = found ?? (await provisionJava({}));
  const directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-cluster-"));
  const owned: OwnedProcess[] = [];

  /** Starts a daemon of Spark. Resolves to the first group of the line that says so, and its process. */
  const daemon = async (name: string, args: string[], started: RegExp): Promise<[string, OwnedProcess]> => {
    const log = new ServerLog(join(directory, `${name}.log`));
    const options = [...JVM_OPTIONS, "-Xmx512m", "-cp", join(home.dir, "jars", "*")];
    const env = {
      ...process.env,
      SPARK_HOME: home.dir,
      SPARK_LOCAL_IP: "127.0.0.1",
      SPARK_SCALA_VERSION: "2.13", // else a worker looks for the build tree of Spark
      ...(home.python && { PYSPARK_PYTHON: home.python }),
    };
    const child = new OwnedProcess([java.command, ...options, ...args], { env, output: log.fd });
    child.unref();
    owned.push(child);
    for (let tries = 0; tries < 600; tries++) {
      const text = await readFile(join(directory, `${name}.log`), "utf8");
      const match = started.exec(text);
      if (match) return [match[1] ?? "", child];
      await sleep(100);
    }
    throw new Error(`${name} did not start:\n${log.lastLines()}`);
  };
  const stopAll = async () => {
    await Promise.all(owned.map((child) => child.stop()));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    const masterArgs = [
      "org.apache.spark.deploy.master.Master",
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--webui-port",
      "0",
    ];
    const [master] = await daemon("master", masterArgs, /Starting Spark master at (spark:\/\/\S+)/);
    let count = 0;
    const living: OwnedProcess[] = [];
    const addWorker = async () => {
      const name = `worker-${count++}`;
      const host = `127.0.0.${count}`; // its own: Spark starts no second attempt of a task on the host of the first
      const work = ["--work-dir", join(directory, name), "--webui-port", "0"];
      const args = ["org.apache.spark.deploy.worker.Worker", "--host", host, "--cores", "1", "--memory", "1g"];
      const [, worker] = await daemon(name, [...args, ...work, master], /Successfully registered with master/);
      living.push(worker);
    };
    for (let index = 0; index < workers; index++) await addWorker();
    const start = (port: number) =>
      SparkServer.start({
        home,
        java,
        master,
        conf: {
          "spark.authenticate": "false", // master and workers would need the secret, too
          "spark.executor.memory": "512m",
          "spark.executor.cores": "1",
          ...conf,
        },
        port,
        driverMemory: "1g",
        jvmOptions: [],
        env: process.env,
      });
    let server = await start(0);
    const { port } = server;
    return {
      url: `sc://127.0.0.1:${port}`,
      get token() {
        return server.token;
      },
      async restartServer() {
        server.kill();
        await server.close();
        server = await start(port);
      },
      addWorker,
      killWorker: () => living.shift()?.kill(),
      executors: () => executorsBelow(directory),
      async [Symbol.asyncDispose]() {
        await server.close();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** The executors whose working directory is below this one. */
async function executorsBelow(directory: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,args="], { maxBuffer: 64 * 2 ** 20 });
  const found: number[] = [];
  for (const line of stdout.split("\n")) {
    if (!line.includes("CoarseGrainedExecutorBackend")) continue;
    const [, pid] = /^\s*(\d+) /.exec(line) ?? [];
    const cwd = await promisify(execFile)("readlink", [`/proc/${pid}/cwd`]).catch(() => ({ stdout: "" }));
    if (cwd.stdout.startsWith(directory)) found.push(Number(pid));
  }
  return found;
}
