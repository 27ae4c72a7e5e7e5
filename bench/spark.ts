import { Endpoint } from "../lib/connect/endpoint.js";

/** Where a Spark is. */
export interface SparkAccess {
  readonly url: string;
  readonly token?: string;
}

/** Runs `use` with a real Spark: the one that SPARK_REMOTE names, else a local one, which ends with it. */
export async function withSpark<T>(use: (spark: SparkAccess) => Promise<T>): Promise<T> {
  const remote = process.env.SPARK_REMOTE;
  if (remote) {
    const endpoint = new Endpoint(remote);
    const token = await endpoint.token();
    return await use({ url: `sc://${endpoint.address}`, ...(token !== undefined && { token }) });
  }
  const { startLocalSpark } = await import("../lib/local/index.js");
  const local = await startLocalSpark({ driverMemory: "2g" });
  try {
    return await use({ url: local.url, token: local.token });
  } finally {
    await local.close();
  }
}
