import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SparkStreamError } from "../errors.js";
import { type LaunchOptions, prepareLaunch, STARTED, serverEnv } from "./launch.js";
import { OwnedProcess } from "./owned-process.js";
import { ServerLog } from "./server-log.js";

export interface ServerOptions extends Omit<LaunchOptions, "directory"> {
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** The most time, in seconds, for the server to end after TERM. */
  grace?: number;
}

/** ms between two reads of a starting server's log. */
const POLL = 50;

/** ms without a new line in the log after which a starting server counts as failed. */
const SILENCE = 180_000;

/**
 * A running server. It ends with this process, or at `close()`. Its directory, which has all files it writes (log,
 * shuffle files, temporary files, the warehouse), is removed with it.
 */
export class SparkServer {
  readonly port: number;
  readonly pid: number;
  readonly token: string;
  /** Resolves after `close()`; rejects with LOCAL_SPARK_FAILED when the server ended by itself. */
  readonly exited: Promise<void>;
  readonly #process: OwnedProcess;
  #closed: Promise<void> | undefined;

  private constructor(port: number, pid: number, token: string, owned: OwnedProcess, cleanUp: () => Promise<string>) {
    this.port = port;
    this.pid = pid;
    this.token = token;
    this.#process = owned;
    this.exited = owned.exited.then(async (status) => {
      const lines = await cleanUp();
      if (this.#closed) return;
      throw failed(`The local Spark ended unexpectedly (${describe(status)})`, lines);
    });
    this.exited.catch(() => {}); // listening is optional
    owned.unref();
  }

  /** @throws SparkStreamError LOCAL_SPARK_FAILED, PORT_IN_USE; or the signal's reason */
  static async start(options: ServerOptions): Promise<SparkServer> {
    const { env, home, signal, grace = 5 } = options;
    signal?.throwIfAborted();
    const directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-local-")); // mode 0700
    let log: ServerLog | undefined;
    const cleanUp = async () => {
      const lines = log?.lastLines() ?? "";
      log?.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      return lines;
    };
    let owned: OwnedProcess | undefined;
    try {
      const command = await prepareLaunch({ ...options, directory });
      const token = randomBytes(32).toString("hex");
      log = new ServerLog(join(directory, "server.log"));
      const childEnv = serverEnv(env, home, directory, token);
      owned = new OwnedProcess(command, { env: childEnv, output: log.fd, directory, grace });
      const port = await listeningPort(owned, log, options);
      return new SparkServer(port, (await owned.pid)!, token, owned, cleanUp);
    } catch (error) {
      await owned?.stop();
      await cleanUp();
      throw error;
    }
  }

  /** Resolves when the server and its files are gone. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Kills the server, for a `close()` that takes too long. */
  kill(): void {
    this.#process.kill();
  }

  async #close(): Promise<void> {
    await this.#process.stop();
    await this.exited.catch(() => {}); // it may have ended by itself before
  }
}

async function listeningPort(owned: OwnedProcess, log: ServerLog, { port, signal }: ServerOptions): Promise<number> {
  let status: number | undefined;
  const exited = owned.exited.then((code) => {
    status = code;
  });
  for (let size = 0, since = Date.now(); ; ) {
    const text = log.tail();
    const started = STARTED.exec(text);
    if (started) return Number(started[1]);
    if (status !== undefined && port !== 0 && /BindException|Address already in use/.test(text)) {
      const message = `Port ${port} of 127.0.0.1 is in use. Choose another port, or leave out the port to get a free one.`;
      throw new SparkStreamError("PORT_IN_USE", message);
    }
    if (status !== undefined) throw failed(`The local Spark did not start (${describe(status)})`, log.lastLines());
    if (log.size !== size) [size, since] = [log.size, Date.now()];
    if (Date.now() - since > SILENCE) {
      throw failed(`The local Spark did not start: nothing in its log for ${SILENCE / 1000} s`, log.lastLines());
    }
    await Promise.race([exited, sleep(POLL, undefined, { ...(signal && { signal }) }).catch(() => {})]);
    signal?.throwIfAborted();
  }
}

function failed(what: string, lines: string): SparkStreamError {
  const end = lines ? `. The end of its log:\n${lines}` : ", and its log is empty.";
  return new SparkStreamError("LOCAL_SPARK_FAILED", `${what}${end}`);
}

function describe(status: number): string {
  return status > 128 ? `signal ${status - 128}` : `exit code ${status}`;
}
