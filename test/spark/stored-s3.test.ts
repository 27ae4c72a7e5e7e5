// Delivery "stored" through a real S3 server, which tasks write by pyarrow and this process reads by the AWS SDK.
import { once } from "node:events";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { removeResult, type SparkSession, sparkStream, storeResult, urlStore } from "../../lib/index.js";
import { type S3StoreOptions, s3Store } from "../../lib/s3.js";
import { type S3Server, startS3Server } from "../support/s3-server.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";
import { until } from "../support/until.js";

const master = "local[2,4]";

async function idsOf(batches: AsyncIterable<RecordBatch>): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of batches) {
    for (const id of batch.getChildAt(0)!.toArray() as BigInt64Array) ids.push(Number(id));
  }
  return ids;
}

const isCounting = (ids: readonly number[]) => ids.every((id, index) => id === index);

describe("An S3 bucket as the store", function () {
  this.timeout(120_000);
  let server: S3Server;
  let spark: SparkSession;

  const storeOf = (options: Partial<S3StoreOptions> = {}) => {
    const { endpoint, credentials, client, bucket } = server;
    return s3Store({
      uri: `s3://${bucket}/tmp/streams/`,
      client,
      executors: { endpoint, region: "us-east-1", ...credentials },
      ...options,
    });
  };
  const keys = async () => {
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: server.bucket }));
    return Contents.map(({ Key = "" }) => Key);
  };
  const many = (rows: number) =>
    spark.sql(`SELECT id, repeat(chr(97 + id % 26), 92) AS text FROM range(0, ${rows}, 1, 6)`);

  before(async function () {
    this.timeout(600_000); // the first start installs Spark and the server
    [server, spark] = await Promise.all([startS3Server(), sparkSession({ master })]);
  });
  afterEach("nothing may be left", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    expect(await keys()).to.deep.equal([]);
  });
  after(async () => {
    await spark?.close();
    await server?.[Symbol.asyncDispose]();
  });

  for (const compression of ["zstd", "none"] as const) {
    it(`gives all rows in order, with compression ${compression}`, async () => {
      const ids = await idsOf(sparkStream(many(1_000_000), { delivery: "stored", store: storeOf(), compression }));
      expect(ids).to.have.length(1_000_000);
      expect(isCounting(ids)).to.equal(true);
    });
  }

  it("leaves nothing when the stream is destroyed", async () => {
    const stream = sparkStream(many(3_000_000), { delivery: "stored", store: storeOf(), readAheadBytes: 1 });
    await once(stream, "readable");
    stream.destroy();
    await once(stream, "close");
  });

  it("keeps a result, which is read from any row, and removed", async () => {
    const store = storeOf();
    const result = JSON.parse(JSON.stringify(await storeResult(many(60_000), { store })));
    expect((await keys()).every((key) => key.startsWith(`tmp/streams/${result.directory}/p`))).to.equal(true);
    const ids = await idsOf(sparkStream(result, { store, from: { partition: 2, row: 123 } }));
    expect(ids).to.have.length(40_000 - 123);
    expect(ids[0]).to.equal(20_123);
    await removeResult(result, { store });
  });

  it("is read by presigned URLs, in a process without credentials", async () => {
    const result = await storeResult(many(60_000), { store: storeOf() });
    const sign = (path: string) => {
      const Key = `tmp/streams/${path}`;
      return getSignedUrl(server.client, new GetObjectCommand({ Bucket: server.bucket, Key }), { expiresIn: 60 });
    };
    const ids = await idsOf(sparkStream(result, { store: urlStore({ urlOf: sign }) }));
    expect(ids).to.have.length(60_000);
    expect(isCounting(ids)).to.equal(true);
    await removeResult(result, { store: storeOf() });
  });

  it("is cleared of what a killed process left more than a day ago, in its own prefix only", async () => {
    const old = "spark-arrow-stream-20240101T000000000Z-0123456789ab/p0-t0-0.arrow";
    const put = (Key: string) => server.client.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: "x" }));
    await Promise.all([put(`tmp/streams/${old}`), put(`other/${old}`)]);
    await sparkStream(spark.range(10), { delivery: "stored", store: storeOf() }).toArray();
    await until(async () => !(await keys()).some((key) => key.startsWith("tmp")), "the old one is gone");
    expect(await keys()).to.deep.equal([`other/${old}`]);
    await s3Store({ uri: `s3://${server.bucket}/other`, client: server.client }).remove(old.split("/")[0]!);
  });

  it("says which side may not use it, before the query", async () => {
    const { endpoint, bucket } = server;
    const wrong = { accessKeyId: "test-user", secretAccessKey: "wrong-secret" };
    const denied = storeOf({ uri: `s3://${bucket}/a`, executors: { endpoint, region: "us-east-1", ...wrong } });
    const writing = await errorOf(sparkStream(spark.range(1), { delivery: "stored", store: denied }).toArray());
    expect(writing).to.include({ code: "STORE_FAILED" });
    expect(writing.message).to.include("A task on Spark's executors cannot write to the store");
    expect(writing.message).not.to.include("wrong-secret");

    const missing = storeOf({ uri: "s3://missing/a" });
    const nowhere = await errorOf(sparkStream(spark.range(1), { delivery: "stored", store: missing }).toArray());
    expect(nowhere).to.include({ code: "STORE_FAILED" });

    const client = new S3Client({ endpoint, credentials: { ...wrong }, region: "us-east-1", forcePathStyle: true });
    const unread = storeOf({ uri: `s3://${bucket}/b`, client });
    const reading = await errorOf(sparkStream(spark.range(1), { delivery: "stored", store: unread }).toArray());
    expect(reading).to.include({ code: "STORE_FAILED" });
    expect(reading.message).to.include("this process cannot read what it wrote");
    client.destroy();
    await spark.client.stopped();
    for (const prefix of ["b"]) {
      const store = s3Store({ uri: `s3://${bucket}/${prefix}`, client: server.client });
      for (const name of await store.list()) await store.remove(name);
    }
  });

  it("is refused at the call if its options are wrong", () => {
    for (const options of [
      { uri: "s3:bucket" },
      { uri: "s3://b", executors: { endpoint: "x" } },
      { uri: "s3://b", key: 1 },
    ]) {
      expect(() => s3Store(options as S3StoreOptions))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
    }
  });
});
