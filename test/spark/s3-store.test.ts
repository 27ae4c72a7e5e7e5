// The S3 store on a real server, behind a proxy at which requests go wrong. No Spark.
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect } from "chai";
import type { Store } from "../../lib/index.js";
import { s3Store } from "../../lib/s3.js";
import { type S3FaultProxy, startS3FaultProxy } from "../support/s3-fault-proxy.js";
import { type S3Server, startS3Server } from "../support/s3-server.js";
import { errorOf } from "../support/scripted.js";

const TIMEOUT = 300;

describe("An S3 store whose requests go wrong", function () {
  this.timeout(60_000);
  let server: S3Server;
  let proxy: S3FaultProxy;
  let client: S3Client;
  let store: Store;

  const keys = async () => {
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: server.bucket }));
    return Contents.map(({ Key = "" }) => Key);
  };

  before(async function () {
    this.timeout(300_000); // the first start installs the server
    server = await startS3Server();
    proxy = await startS3FaultProxy(server.endpoint);
    const { bucket, credentials } = server;
    const options = { endpoint: proxy.endpoint, region: "us-east-1", forcePathStyle: true };
    client = new S3Client({ ...options, credentials: { ...credentials }, maxAttempts: 1 });
    store = s3Store({ uri: `s3://${bucket}/tmp`, client, timeoutMs: TIMEOUT });
  });
  beforeEach(async () => {
    proxy.faultOf = () => undefined;
    for (const name of ["one", "two"]) {
      await server.client.send(new PutObjectCommand({ Bucket: server.bucket, Key: `tmp/d/${name}`, Body: "x" }));
    }
  });
  after(async () => {
    client?.destroy();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it("removes what the first listing did not show", async () => {
    let listings = 0;
    proxy.faultOf = (call) => (call === "list" && listings++ === 0 ? { do: "empty" } : undefined);
    await store.remove("d");
    expect(await keys()).to.deep.equal([]);
    expect(listings).to.equal(3);
  });

  const uses = {
    list: () => store.list(),
    remove: () => store.remove("d"),
  };
  for (const [call, use] of [
    ["list", "list"],
    ["list", "remove"],
    ["remove", "remove"],
  ] as const) {
    it(`repeats a "${call}" of ${use}() that gets no answer, or a part of one`, async () => {
      let stalls = 0;
      proxy.faultOf = (each) => (each === call && stalls < 2 ? { do: "stall", after: 50 * stalls++ } : undefined);
      await uses[use]();
      expect(stalls).to.equal(2);
      if (use === "remove") expect(await keys()).to.deep.equal([]);
    });
  }

  it("fails if no request gets an answer", async () => {
    proxy.faultOf = () => ({ do: "stall", after: 0 });
    expect(await errorOf(store.remove("d"))).to.include({ code: "STORE_FAILED" });
  });
});
