import {
  type Data,
  DataType,
  Field,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  tableFromArrays,
} from "apache-arrow";
import { expect } from "chai";
import { type DataFrame, type SqlParameter, sparkStream } from "../../lib/index.js";
import { errorOf, idBatches, scripted, sparkStreamError } from "../support/scripted.js";

// A type of 34 structs, one in the other, was "no message of its protocol": protobuf-es reads 100 levels by default.

function structs(depth: number): RecordBatch {
  let child: Data = makeData({ type: new Int32(), data: Int32Array.of(5) });
  for (let level = 0; level <= depth; level++) {
    const type = new Struct<{ a: DataType }>([new Field("a", child.type, true)]);
    child = makeData({ type, length: 1, nullCount: 0, children: [child] });
  }
  return new RecordBatch(new Schema(child.type.children), child as Data<Struct>);
}

function refusalOf(call: () => unknown) {
  try {
    call();
  } catch (error) {
    return sparkStreamError(error);
  }
  expect.fail("it was accepted");
}

describe("What is nested deeply", () => {
  it("is read as a type of 100 structs, one in the other, by schema() and by a stream", async () => {
    await using setting = await scripted({ batches: [structs(100)] });
    const frame = setting.spark.sql("SELECT a FROM t");
    const [batch] = await sparkStream(frame).toArray();
    for (const { fields } of [await frame.schema(), batch!.schema]) {
      let depth = 0;
      for (let type: DataType = fields[0]!.type; DataType.isStruct(type); type = type.children[0]!.type) depth++;
      expect(depth).to.equal(100);
    }
  });

  it("is named where it is deeper than the protocol is read", async () => {
    await using setting = await scripted({ batches: [structs(400)] });
    const error = await errorOf(setting.spark.sql("SELECT a FROM t").schema());
    expect(error.code).to.equal("UNSUPPORTED");
    expect(error.message).to.include("nested deeper than 1024 levels").and.include("nested structs");
  });

  it("is refused at the call where it is a plan, a circle or a parameter that Spark would not read", async () => {
    await using setting = await scripted({ batches: idBatches(1) });
    const { spark } = setting;
    let frame: DataFrame = spark.range(5);
    for (let calls = 0; calls < 500; calls++) frame = frame.limit(5);
    expect(await sparkStream(frame).toArray()).to.have.length(1);
    const tooDeep = refusalOf(() => frame.limit(5));
    expect(tooDeep).to.include({ code: "INVALID_ARGUMENT" });
    expect(tooDeep.message).to.include("a chain of more than 500 calls");

    const circle: SqlParameter[] = [1];
    circle.push(circle, circle);
    const circular = refusalOf(() => spark.sql("SELECT :p", { p: [circle] }));
    expect(circular.message).to.equal("The parameter p[0][1] is an array that contains itself.");

    let arrays: SqlParameter = 1;
    for (let depth = 0; depth < 500; depth++) arrays = [arrays];
    await spark.sql("SELECT :p", { p: arrays }).schema();
    const deep = refusalOf(() => spark.sql("SELECT :p", { p: [arrays] }));
    expect(deep.message).to.match(/^The parameter p\[0\].{56}… is nested more than 500 arrays deep/);
  });

  it("is no DataFrame of 2,000 record batches, whose unions are as flat as they can be", async () => {
    await using setting = await scripted({ batches: idBatches(1) });
    const { batches } = tableFromArrays({ id: Int32Array.of(1) });
    const frame = setting.spark.createDataFrame(Array.from({ length: 2_000 }, () => batches[0]!));
    await sparkStream(frame).toArray();
    const { message } = setting.server.requests.find(({ method }) => method === "executePlan")!;
    const ids = [
      ...JSON.stringify(message, (_key, value) => (typeof value === "bigint" ? 0 : value)).matchAll(/"localRelation"/g),
    ];
    expect(ids).to.have.length(2_000);
  });
});
