// One real local Spark for all tests of a run, started by the first that asks for it.
import { connect, type SparkSession } from "../../lib/connect/index.js";
import { type LocalSpark, type LocalSparkOptions, startLocalSpark } from "../../lib/local/index.js";
import { notInCheck } from "./check.js";
import { giveTimeToInstall } from "./running-test.js";

const running = new Map<string, Promise<LocalSpark>>();

/** A server with this configuration, shared by all who ask for the same. */
export function sparkServer(options: LocalSparkOptions = {}): Promise<LocalSpark> {
  notInCheck("it needs a Spark");
  const key = JSON.stringify(options);
  let server = running.get(key);
  if (!server) {
    giveTimeToInstall();
    server = startLocalSpark({ master: "local[2]", driverMemory: "2g", ...options });
    running.set(key, server);
  }
  return server;
}

/** How long a server waits for a consumer, or a client: seconds where a usual one waits for minutes. */
export const impatience = {
  "spark.connect.execute.reattachable.senderMaxStreamDuration": "1s",
  "spark.connect.execute.manager.detachedTimeout": "6s",
  "spark.connect.execute.manager.maintenanceInterval": "500ms",
};

/** A server that has no patience. */
export function impatientSpark(): Promise<LocalSpark> {
  return sparkServer({ conf: impatience });
}

/** A session of the caller's own on that server. */
export async function sparkSession(options?: LocalSparkOptions): Promise<SparkSession> {
  const { url, token } = await sparkServer(options);
  return await connect(url, { token });
}

export const mochaHooks = {
  async afterAll() {
    for (const server of running.values()) await (await server).close();
  },
};
