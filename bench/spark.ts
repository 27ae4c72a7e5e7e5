import { Endpoint } from "../lib/connect/rpc/endpoint.js";

/** Where a Spark is. */
export interface SparkAccess {
  readonly url: string;
  readonly token?: string;
}

/** A real Spark: the one that SPARK_REMOTE names, else a local one, which ends with the scope. */
export async function openSpark(): Promise<{ readonly access: SparkAccess } & AsyncDisposable> {
  const remote = process.env.SPARK_REMOTE;
  if (remote) {
    const endpoint = new Endpoint(remote);
    const token = await endpoint.token();
    return {
      access: { url: `sc://${endpoint.address}`, ...(token !== undefined && { token }) },
      async [Symbol.asyncDispose]() {},
    };
  }
  const { startLocalSpark } = await import("../lib/local/index.js");
  const local = await startLocalSpark({ driverMemory: "2g" });
  return { access: { url: local.url, token: local.token }, [Symbol.asyncDispose]: () => local.close() };
}
