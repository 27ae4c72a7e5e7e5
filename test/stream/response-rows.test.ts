import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  type ExecutePlanResponse_ArrowBatchSchema,
  ExecutePlanResponseSchema,
} from "../../lib/connect/generated/spark-connect_pb.js";
import { BatchAssembler } from "../../lib/delivery/result/response-rows.js";
import { SparkStreamError } from "../../lib/errors.js";
import { failureOf } from "../support/ipc.js";

type BatchInit = MessageInitShape<typeof ExecutePlanResponse_ArrowBatchSchema>;

const batch = (value: BatchInit) => create(ExecutePlanResponseSchema, { responseType: { case: "arrowBatch", value } });
const other = (name: "executionProgress" | "resultComplete") =>
  create(ExecutePlanResponseSchema, { responseType: { case: name, value: {} } as never });
const chunk = (index: number, count: number, ...data: number[]) => chunkAt(10n, index, count, ...data);
const chunkAt = (startOffset: bigint, index: number, count: number, ...data: number[]) =>
  batch({
    rowCount: 5n,
    startOffset,
    data: Uint8Array.from(data),
    chunkIndex: BigInt(index),
    numChunksInBatch: BigInt(count),
  });

describe("BatchAssembler", () => {
  it("makes a row of a batch that comes whole, with the very bytes, and where it belongs", () => {
    const data = Uint8Array.of(1, 2, 3);
    const row = new BatchAssembler().take(batch({ rowCount: 5n, startOffset: 10n, data }));
    expect(row).to.deep.equal({ arrow_ipc_bytes: data, rowCount: 5, startOffset: 10, owned: true });
  });

  it("does without an offset where the server has none, and takes an offset of 0 for one", () => {
    expect(new BatchAssembler().take(batch({ rowCount: 5n }))).not.to.have.property("startOffset");
    expect(new BatchAssembler().take(batch({ startOffset: 0n }))).to.have.property("startOffset", 0);
  });

  it("joins the chunks of a batch, with progress between any two of them, and begins anew with the next", () => {
    const assembler = new BatchAssembler();
    for (let time = 0; time < 2; time++) {
      expect(assembler.take(chunk(0, 3, 1, 2))).to.equal(undefined);
      expect(assembler.take(other("executionProgress"))).to.equal(undefined);
      expect(assembler.take(chunk(1, 3))).to.equal(undefined);
      const row = assembler.take(chunk(2, 3, 3));
      expect({ ...row, arrow_ipc_bytes: [...row!.arrow_ipc_bytes] }).to.deep.equal({
        arrow_ipc_bytes: [1, 2, 3],
        rowCount: 5,
        startOffset: 10,
        owned: true,
      });
      expect(assembler.take(chunk(0, 1, 9))!.arrow_ipc_bytes).to.deep.equal(Uint8Array.of(9));
    }
    expect(assembler.take(other("resultComplete"))).to.equal(undefined);
  });

  // What the batch claimed was believed, and 4 GiB of it were kept.
  it("refuses a batch that is larger than Spark's can be, by what it says or when that much has come", async () => {
    const refused = async (response: ReturnType<typeof batch>, assembler = new BatchAssembler()) => {
      const error = await failureOf(() => assembler.take(response));
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "MESSAGE_TOO_LARGE");
      expect(error.message).to.include("2147483647 bytes");
    };
    await refused(chunk(0, 4 * 1024 * 1024, 1));
    const data = Buffer.allocUnsafeSlow(1_100_000_000);
    const assembler = new BatchAssembler();
    const large = (index: number) => batch({ data, chunkIndex: BigInt(index), numChunksInBatch: 40n });
    expect(assembler.take(large(0))).to.equal(undefined);
    await refused(large(1), assembler);
  });

  it("makes memory for all chunks with the first one, but not for whatever it claims", () => {
    const data = new Uint8Array(1024 * 1024);
    const allocated = (count: number) => {
      const before = process.memoryUsage().arrayBuffers;
      const assembler = new BatchAssembler();
      assembler.take(batch({ data, chunkIndex: 0n, numChunksInBatch: BigInt(count) }));
      const after = process.memoryUsage().arrayBuffers;
      expect(assembler.take(other("executionProgress"))).to.equal(undefined);
      return (after - before) / data.length;
    };
    expect(allocated(16)).to.be.within(15, 17);
    expect(allocated(2_000)).to.be.within(63, 65);
  });

  const broken: [what: string, responses: ReturnType<typeof batch>[], says: RegExp][] = [
    ["begins within a batch", [chunk(1, 2)], /chunk 1 of 2 arrived in the place of chunk 0/],
    ["leaves a chunk out", [chunk(0, 3), chunk(2, 3)], /chunk 2 of 3 arrived in the place of chunk 1/],
    ["repeats a chunk", [chunk(0, 3), chunk(0, 3)], /chunk 0 of 3 arrived in the place of chunk 1/],
    ["begins a batch within another", [chunk(0, 2), batch({})], /chunk 0 of 1 arrived in the place of chunk 1/],
    ["has a chunk beyond the last", [chunk(0, 2), chunk(1, 1)], /chunk 1 of 1 arrived/],
    // The end of one batch and the beginning of the next were missing, and the rest passed for one batch.
    ["joins chunks of two batches", [chunk(0, 2), chunkAt(15n, 1, 2)], /chunk 1 of 2 belongs to another batch/],
    ["ends within a batch", [chunk(0, 2), other("resultComplete")], /ends within a batch, after 1 of its chunks/],
  ];
  for (const [what, responses, says] of broken) {
    it(`refuses a result that ${what}`, async () => {
      const assembler = new BatchAssembler();
      const last = responses.at(-1)!;
      for (const response of responses.slice(0, -1)) assembler.take(response);
      const error = await failureOf(() => assembler.take(last));
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INCOMPLETE_RESULT");
      expect(error.message).to.match(says);
    });
  }
});
