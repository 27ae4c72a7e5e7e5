/** An S3 server with credentials: S3Proxy over a directory, from Maven Central, on the Java that Spark runs on. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { cacheDir } from "../../lib/local/cache-dir.js";
import { findJava, provisionJava } from "../../lib/local/java.js";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { notInCheck } from "./check.js";
import { freePort } from "./free-port.js";
import { listening } from "./listening.js";
import { giveTimeToInstall } from "./running-test.js";

const VERSION = "4.1.0";
const JAR = `s3proxy-${VERSION}-jar-with-dependencies.jar`;
const SHA256 = "a4d025969aaf796616ed4b1e2491d87d455ce84bb28cb9db086b2e6aaa68b48d";

export interface S3Server extends AsyncDisposable {
  /** `http://host:port` */
  readonly endpoint: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  /** A client with these credentials. */
  readonly client: S3Client;
  /** There is one bucket. */
  readonly bucket: string;
}

export async function startS3Server(): Promise<S3Server> {
  notInCheck("it needs an S3 server");
  giveTimeToInstall();
  const [jar, java] = await Promise.all([installed(), findJava().then((found) => found ?? provisionJava({}))]);
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), "spark-arrow-stream-s3-")), freePort()]);
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: "test-user", secretAccessKey: "test-secret" };
  const settings = {
    "s3proxy.endpoint": endpoint,
    "s3proxy.authorization": "aws-v2-or-v4",
    "s3proxy.identity": credentials.accessKeyId,
    "s3proxy.credential": credentials.secretAccessKey,
    "jclouds.provider": "filesystem-nio2",
    "jclouds.filesystem.basedir": join(directory, "data"),
  };
  const properties = join(directory, "s3proxy.properties");
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await Promise.all([mkdir(join(directory, "data")), writeFile(properties, lines.join(""))]);
  const log = await open(join(directory, "log"), "w");
  const command = [java.command, "-Xmx256m", "-jar", jar, "--properties", properties];
  const child = new OwnedProcess(command, { output: log.fd });
  child.unref();
  await listening(port);
  const client = new S3Client({ endpoint, credentials: { ...credentials }, region: "us-east-1", forcePathStyle: true });
  const bucket = "results";
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    endpoint,
    credentials,
    client,
    bucket,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await child.stop();
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function installed(): Promise<string> {
  const directory = join(cacheDir(), `s3proxy-${VERSION}`);
  const jar = join(directory, JAR);
  const isThere = await readFile(jar).then(isRight, () => false);
  if (isThere) return jar;
  const answer = await fetch(`https://repo1.maven.org/maven2/org/gaul/s3proxy/${VERSION}/${JAR}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!isRight(bytes)) throw new Error(`${answer.url} is not the file that is expected (status ${answer.status}).`);
  await mkdir(directory, { recursive: true });
  await writeFile(`${jar}.${process.pid}`, bytes);
  await rename(`${jar}.${process.pid}`, jar);
  return jar;
}

function isRight(bytes: Buffer): boolean {
  return createHash("sha256").update(bytes).digest("hex") === SHA256;
}
