import { SparkStreamError } from "../errors.js";
import { archiveOptions, makeArchive } from "./class-archive.js";
import { findJava, provisionJava } from "./java.js";
import { checkLocalOptions, defaultMemory, type LocalSparkOptions } from "./options.js";
import { ProgressLine } from "./progress.js";
import { SparkServer } from "./server.js";
import { findSparkHome } from "./spark-home.js";

/** A Spark Connect server on this machine, for this process alone. */
export interface LocalSpark extends AsyncDisposable {
  /** `sc://127.0.0.1:PORT`, without the token. */
  readonly url: string;
  /** The token that the server requires for every call. */
  readonly token: string;
  readonly sparkHome: string;
  /** Spark's: "4.3.0". */
  readonly version: string;
  /** The process id of Java. */
  readonly pid: number;
  /** Resolves when the server was closed; rejects with LOCAL_SPARK_FAILED when it ended by itself. */
  readonly exited: Promise<void>;
  /** Stops the server. Resolves when the process and its files are gone. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a Spark Connect server for this process, bound to 127.0.0.1 and protected by a token. It ends with this
 * process, however that ends.
 *
 * Spark is that of SPARK_HOME; else Spark 4.3 from a per-user cache, installed there from the Python package index on
 * first use. Java is that of JAVA_HOME, else of PATH if it is 17 or newer, else one installed into the cache in the
 * same way. All files that the server writes, including tables, are in a temporary directory that is removed with it;
 * relative paths in queries start at this process's working directory.
 *
 * @throws SparkStreamError PYTHON_NOT_FOUND, JAVA_NOT_FOUND, JAVA_TOO_OLD, INSTALL_FAILED, LOCAL_SPARK_FAILED,
 *   PORT_IN_USE, INVALID_ARGUMENT, UNSUPPORTED (on Windows); or the signal's reason
 */
export async function startLocalSpark(options: LocalSparkOptions = {}): Promise<LocalSpark> {
  checkLocalOptions(options);
  const { master = "local[*]", conf = {}, port = 0, driverMemory = defaultMemory(), signal } = options;
  const env = process.env;
  if (process.platform === "win32") {
    const message = "A local Spark does not run on Windows. Use WSL, or connect to a server's sc:// URL.";
    throw new SparkStreamError("UNSUPPORTED", message);
  }

  const line = new ProgressLine();
  const onProgress = options.onProgress ?? line.report;
  try {
    // If JAVA_HOME cannot be used, report it before Spark is downloaded.
    const found = await findJava(env, signal);
    const home = await findSparkHome({ onProgress, signal, env });
    const java = found ?? (await provisionJava({ onProgress, signal, env }));
    const server = { home, java, master, conf, port, driverMemory, env, signal };
    if (home.installed) {
      onProgress(`Preparing Spark ${home.version} for quick starts (once)`);
      await makeArchive({ ...server, conf: {}, port: 0 });
    }
    line.end();
    return new RunningSpark(await SparkServer.start({ ...server, jvmOptions: await archiveOptions(home, java) }), home);
  } finally {
    line.end();
  }
}

class RunningSpark implements LocalSpark {
  readonly url: string;
  readonly sparkHome: string;
  readonly version: string;
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly #server: SparkServer;

  constructor(server: SparkServer, home: { dir: string; version: string }) {
    this.#server = server;
    this.url = `sc://127.0.0.1:${server.port}`;
    this.sparkHome = home.dir;
    this.version = home.version;
    this.pid = server.pid;
    this.exited = server.exited;
  }

  // A getter of the class and not a property of the object, since objects get logged.
  get token(): string {
    return this.#server.token;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
