import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import type { SparkStreamOptions, Store, StoreLocation } from "../../lib/index.js";
import type { Task } from "../task.js";

/** The options of a stream by this delivery: "stored" goes through a local directory, or the bucket that BENCH_S3 names. */
export async function deliveryOptions(delivery: Task["delivery"] = "result"): Promise<SparkStreamOptions> {
  return delivery === "stored" ? { delivery, store: await store() } : { delivery };
}

async function store(): Promise<Store | StoreLocation> {
  if (!process.env.BENCH_S3) return { uri: pathToFileURL(tmpdir()).href };
  // Loaded here, so that it is not in the memory of the others.
  const [{ S3Client }, { s3Store }] = await Promise.all([import("@aws-sdk/client-s3"), import("../../lib/s3.js")]);
  const { uri, endpoint, credentials } = JSON.parse(process.env.BENCH_S3);
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  return s3Store({ uri, client, executors: { endpoint, region: "us-east-1", ...credentials } });
}
