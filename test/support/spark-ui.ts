// What a Spark says of itself by the REST interface of its web UI.

import { connect, type SparkSession } from "../../lib/connect/index.js";
import type { LocalSpark, LocalSparkOptions } from "../../lib/local/index.js";
import { freePort } from "./free-port.js";
import { sparkServer } from "./spark.js";
import { until } from "./until.js";

interface StoredRdd {
  readonly id: number;
  readonly diskUsed: number;
}

interface Job {
  readonly status: string;
  readonly numSkippedStages: number;
}

const ports = new Map<string, Promise<number>>();

/** A local Spark with its web UI, one for all that ask for the same configuration. */
export class SparkUi {
  readonly server: LocalSpark;
  readonly #root: string;
  readonly #applications: string;

  private constructor(port: number, server: LocalSpark) {
    this.server = server;
    this.#root = `http://127.0.0.1:${port}`;
    this.#applications = `http://127.0.0.1:${port}/api/v1/applications`;
  }

  static async open(
    conf: Readonly<Record<string, string>> = {},
    options: Omit<LocalSparkOptions, "conf"> = {},
  ): Promise<SparkUi> {
    const key = JSON.stringify([conf, options]);
    const port = ports.get(key) ?? freePort();
    ports.set(key, port);
    const server = await sparkServer({
      ...options,
      conf: {
        "spark.ui.enabled": "true",
        "spark.ui.port": String(await port),
        // Otherwise what happens within 100 ms of something else is not shown until something more happens.
        "spark.ui.liveUpdate.period": "0",
        "spark.sql.shuffle.partitions": "4",
        ...conf,
      },
    });
    return new SparkUi(await port, server);
  }

  /** A session of the caller's own. */
  connect(): Promise<SparkSession> {
    const { url, token } = this.server;
    return connect(url, { token });
  }

  /** What lies on the disks of the executors. */
  staged(): Promise<StoredRdd[]> {
    return this.#get("storage/rdd");
  }

  async expectNothingStaged(): Promise<void> {
    // Spark frees what no session knows any more when its driver has collected garbage, and removes its blocks a moment later.
    await using session = await this.connect();
    await session.sql("SELECT java_method('java.lang.System', 'gc') FROM VALUES (1)").execute();
    await until(async () => (await this.staged()).length === 0, "nothing is staged");
  }

  /** How many SQL executions there have been. */
  async queries(): Promise<number> {
    return (await this.#get<unknown[]>("sql?length=100000&details=false")).length;
  }

  /** How many sessions the server has, by its page of Spark Connect. */
  async sessions(): Promise<number> {
    const page = await (await fetch(`${this.#root}/connect/`)).text();
    return Number(/(\d+)\s+session\(s\) are online/.exec(page)?.[1]);
  }

  /** How many tasks have a slot. */
  async runningTasks(): Promise<number> {
    const executors = await this.#get<{ activeTasks: number }[]>("executors");
    return executors.reduce((sum, { activeTasks }) => sum + activeTasks, 0);
  }

  /** The last job, when it is over. */
  async lastJob(): Promise<Job> {
    let last: Job | undefined;
    await until(async () => {
      [last] = await this.#get<Job[]>("jobs");
      return last !== undefined && last.status !== "RUNNING";
    }, "the last job is over");
    return last!;
  }

  /** Again where the UI's server closes a connection that it has just answered on. */
  async #get<T>(path: string): Promise<T> {
    return await this.#ask<T>(path).catch(() => this.#ask<T>(path));
  }

  async #ask<T>(path: string): Promise<T> {
    const [application] = (await (await fetch(this.#applications)).json()) as { id: string }[];
    return (await (await fetch(`${this.#applications}/${application!.id}/${path}`)).json()) as T;
  }
}
