import { create, equals, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { expect } from "chai";
import { readExecutePlanResponse } from "../../lib/connect/execution/execute-response.js";
import { ExecutePlanResponseSchema as schema } from "../../lib/connect/generated/spark-connect_pb.js";

type Init = Exclude<MessageInitShape<typeof schema>, { $typeName: string }>;

const ids = {
  sessionId: "0b7c8a3e-7d1c-4a52-9f5e-3f4f0a6f2f10",
  serverSideSessionId: "5d9c2c1e-90be-4e6b-8d3e-2a2c5b8c7a11",
  operationId: "c1a1a1d0-2a64-4b5c-a8b4-6d2b6f0e9a12",
  responseId: "é 9a7e6f0c-6d5b-4c3a-b2a1-0f9e8d7c6b13",
};
const data = Uint8Array.from({ length: 300 }, (_, index) => index);
const batch: Init = { ...ids, responseType: { case: "arrowBatch", value: { rowCount: 1000n, data, startOffset: 0n } } };

const responses: Readonly<Record<string, Init>> = {
  "a batch": batch,
  "a chunk of a batch": {
    ...ids,
    responseType: {
      case: "arrowBatch",
      value: { rowCount: 2n ** 62n, data, startOffset: 2n ** 53n + 1n, chunkIndex: 0n, numChunksInBatch: 3n },
    },
  },
  "an empty batch without ids": { responseType: { case: "arrowBatch", value: {} } },
  "a batch with metrics": { ...batch, metrics: { metrics: [{ name: "Scan", planId: 1n }] } },
  "a batch with observed metrics": { ...batch, observedMetrics: [{ name: "rows", keys: ["count"] }] },
  "a schema": { ...ids, schema: { kind: { case: "struct", value: {} } } },
  progress: { ...ids, responseType: { case: "executionProgress", value: { numInflightTasks: 2n } } },
  "the end": { ...ids, responseType: { case: "resultComplete", value: {} } },
  nothing: {},
};

const bytesOf = (init: Init) => Buffer.from(toBinary(schema, create(schema, init)));

/** What comes of reading: a message, as bytes again, or an error. */
function outcome(read: (bytes: Buffer) => ReturnType<typeof readExecutePlanResponse>, bytes: Buffer): string {
  try {
    return Buffer.from(toBinary(schema, read(bytes))).toString("hex");
  } catch (error) {
    expect(error).to.be.an("error");
    return "an error";
  }
}

function expectTheSame(bytes: Buffer, what: string): void {
  const [ours, theirs] = [readExecutePlanResponse, (all: Buffer) => fromBinary(schema, all)].map((read) =>
    outcome(read, bytes),
  );
  expect(ours, what).to.equal(theirs);
}

describe("readExecutePlanResponse", () => {
  for (const [name, init] of Object.entries(responses)) {
    it(`reads ${name} as protobuf-es does`, () => {
      const bytes = bytesOf(init);
      expect(equals(schema, readExecutePlanResponse(bytes), fromBinary(schema, bytes))).to.equal(true);
      expectTheSame(bytes, name);
    });
  }

  it("gives the data as a view of the message", () => {
    const bytes = bytesOf(batch);
    const { value } = readExecutePlanResponse(bytes).responseType as { value: { data: Uint8Array } };
    expect(value.data.buffer).to.equal(bytes.buffer);
    expect([...value.data]).to.deep.equal([...data]);
  });

  it("keeps a field that is not known, beside a batch and in it", () => {
    const unknown = new BinaryWriter()
      .uint32((99 << 3) | 0)
      .uint32(7)
      .finish();
    expectTheSame(Buffer.concat([bytesOf(batch), unknown]), "beside a batch");
    const withUnknown = new BinaryWriter()
      .uint32((2 << 3) | 2)
      .bytes(unknown)
      .finish();
    expectTheSame(Buffer.from(withUnknown), "in it");
    expect(readExecutePlanResponse(Buffer.concat([bytesOf(batch), unknown])).$unknown).to.have.length(1);
  });

  it("merges two batches of one message", () => {
    expectTheSame(Buffer.concat([bytesOf(batch), bytesOf({ ...batch, ...responses["a chunk of a batch"] })]), "two");
  });

  it("reads, or refuses, whatever is broken as protobuf-es does", () => {
    for (const [name, init] of Object.entries(responses)) {
      const bytes = bytesOf(init);
      for (let end = 0; end < bytes.length; end++) expectTheSame(bytes.subarray(0, end), `${end} bytes of ${name}`);
      for (let at = 0; at < bytes.length; at++) {
        for (const flip of [0x01, 0x10, 0x80, 0xff]) {
          const broken = Buffer.from(bytes);
          broken[at]! ^= flip;
          expectTheSame(broken, `${name}, byte ${at} ^ ${flip}`);
        }
      }
    }
  });
});
