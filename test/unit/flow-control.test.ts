import { expect } from "chai";
import { chunkBytes, largestWindow, windowOf } from "../../lib/connect/rpc/flow-control.js";
import { defaultStreamLimits, parseBytes, readStreamLimits } from "../../lib/connect/rpc/stream-limits.js";

const MIB = 1024 * 1024;

describe("windowOf", () => {
  it("is twice what 1 Gbit/s brings in a round trip, from 1 MiB up to the largest", () => {
    expect(windowOf(32 * MIB, 100)).to.equal(25_000_000);
    for (const ms of [undefined, 0, 0.3, 4]) expect(windowOf(32 * MIB, ms), `${ms} ms`).to.equal(MIB);
    for (const ms of [300, 5_000]) expect(windowOf(7 * MIB, ms), `${ms} ms`).to.equal(7 * MIB);
    expect(windowOf(65_535, 100)).to.equal(65_535);
  });
});

describe("largestWindow", () => {
  const message = 128 * MIB;

  it("leaves room for two responses and gRPC's buffers within what the server can send again", () => {
    for (const retryBufferBytes of [4 * MIB, 10 * MIB, 20 * MIB]) {
      for (const chunking of [true, false]) {
        const limits = { ...defaultStreamLimits, retryBufferBytes, chunking, maxBatchBytes: 1.5 * MIB };
        const response = chunking ? chunkBytes(limits, message) : limits.maxBatchBytes;
        expect(largestWindow(limits, message) + 2 * response + 256 * 1024).to.equal(retryBufferBytes);
      }
    }
    expect(largestWindow({ ...defaultStreamLimits, chunking: true }, message)).to.equal(7.25 * MIB);
  });

  it("is 32 MiB at the most, and what HTTP/2 begins with at the least", () => {
    expect(largestWindow({ ...defaultStreamLimits, retryBufferBytes: 1024 * MIB }, message)).to.equal(32 * MIB);
    for (const retryBufferBytes of [0, MIB]) {
      expect(largestWindow({ ...defaultStreamLimits, retryBufferBytes }, message)).to.equal(65_535);
    }
  });
});

describe("chunkBytes", () => {
  it("is an eighth of what the server can send again, and fits into a message", () => {
    expect(chunkBytes(defaultStreamLimits, 128 * MIB)).to.equal(1.25 * MIB);
    expect(chunkBytes(defaultStreamLimits, MIB)).to.equal(MIB - 4096);
    expect(chunkBytes(defaultStreamLimits, 1)).to.equal(1024);
    expect(chunkBytes({ ...defaultStreamLimits, retryBufferBytes: 2 ** 40 }, 2 ** 31)).to.equal(120_795_955);
  });
});

describe("readStreamLimits", () => {
  it("reads what a server tells, and takes Spark's defaults for the rest", () => {
    // A server that lists no codec ignores the setting.
    expect(readStreamLimits([])).to.deep.equal({ ...defaultStreamLimits, compression: false });
    const told = readStreamLimits([
      { key: "spark.connect.execute.reattachable.observerRetryBufferSize", value: "4194304b" },
      { key: "spark.connect.execute.reattachable.senderMaxStreamDuration", value: "1s" },
      { key: "spark.connect.session.resultChunking.maxChunkSize", value: "1000b" },
      { key: "spark.connect.grpc.arrow.maxBatchSize", value: "10m" },
      { key: "spark.sql.execution.arrow.compression.codec", value: "none" },
    ]);
    expect(told).to.deep.equal({
      ...defaultStreamLimits,
      maxStreamDuration: 1_000,
      retryBufferBytes: 4 * MIB,
      chunking: true,
      maxBatchBytes: 7 * MIB,
    });
  });

  it("reads bytes as Spark writes them", () => {
    const cases = { "10m": 10 * MIB, "10485760b": 10 * MIB, "5": 5, "4MiB": 4 * MIB, "1gb": 1024 * MIB, "64k": 65_536 };
    for (const [text, bytes] of Object.entries(cases)) expect(parseBytes(text), text).to.equal(bytes);
    for (const text of ["", "m", "-1", "1.5m", "10x", undefined]) expect(parseBytes(text), text).to.equal(undefined);
  });
});
