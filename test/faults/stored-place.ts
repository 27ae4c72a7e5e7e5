/** The stores of the campaign: a directory, and a bucket behind a proxy at which requests go wrong. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { SparkSession, Store, StoreLocation } from "../../lib/index.js";
import { s3Store } from "../../lib/s3.js";
import { type S3FaultProxy, startS3FaultProxy } from "../support/s3-fault-proxy.js";
import { startS3Server } from "../support/s3-server.js";
import type { RunResult } from "./fault-class.js";

/** ms after which a store that says nothing counts as stalled. */
const TIMEOUT = 400;
const PREFIX = "tmp/streams";

export interface StoredPlaces extends AsyncDisposable {
  readonly directory: string;
  readonly proxy: S3FaultProxy;
  readonly stores: { readonly directory: StoreLocation; readonly bucket: Store };
  /** All files in both. */
  files(): Promise<string[]>;
  /** Removes them. */
  clear(): Promise<void>;
}

export async function openStoredPlaces(): Promise<StoredPlaces> {
  const directory = await mkdtemp(join(tmpdir(), "stored-faults-"));
  const server = await startS3Server();
  const proxy = await startS3FaultProxy(server.endpoint);
  const { credentials, bucket } = server;
  const { endpoint } = proxy;
  const client = new S3Client({ endpoint, credentials: { ...credentials }, region: "us-east-1", forcePathStyle: true });
  const uri = `s3://${bucket}/${PREFIX}`;
  const keys = async () => {
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = "" }) => Key);
  };
  const executors = { endpoint, region: "us-east-1", ...credentials };
  return {
    directory,
    proxy,
    stores: {
      directory: { uri: pathToFileURL(directory).href, timeoutMs: TIMEOUT },
      bucket: s3Store({ uri, client, executors, timeoutMs: TIMEOUT }),
    },
    files: async () => [...(await readdir(directory, { recursive: true })), ...(await keys())],
    async clear() {
      for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
      for (const Key of await keys()) await server.client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The outcome of a run, which is "left" if it has left a file in any of the stores. */
export async function leftFiles(places: StoredPlaces, spark: SparkSession, result: RunResult): Promise<RunResult> {
  await spark.client.stopped();
  const left = await places.files();
  if (left.length === 0) return result;
  await places.clear(); // the next run is to begin with nothing
  return { outcome: "left", error: new Error(left.join("\n"), { cause: result.error }) };
}
