import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { sparkStream } from "../../lib/index.js";
import { type RespondWith, sparkError } from "../../lib/testing/index.js";
import { errorOf, idBatches, scripted } from "../support/scripted.js";

const LOST = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND";

/** A server that stages a frame of one partition of three rows, and has lost it when it is read. */
const executePlan: RespondWith["executePlan"] = ({ plan }) => {
  const op = plan?.opType;
  const complete = { responseType: { case: "resultComplete" as const, value: {} } };
  if (op?.case === "command") {
    if (op.value.commandType.case !== "checkpointCommand") return undefined;
    const value = { relation: { relationId: "kept" } };
    return { responses: [{ responseType: { case: "checkpointCommandResult", value } }, complete] };
  }
  if (op?.case !== "root") return undefined;
  switch (op.value.relType.case) {
    case "aggregate":
      return { batches: tableFromArrays({ id: Int32Array.of(0), rows: [3n], bytes: [24n] }) };
    case "showString":
      return undefined;
    default:
      throw sparkError({ message: "Checkpoint block rdd_1_0 not found!", errorClass: LOST, sqlState: "XXKDD" });
  }
};

describe("A staged frame, when an executor is lost with a part of it,", () => {
  it("fails with an error that says what is lost, and what to use instead", async () => {
    await using fixture = await scripted({ batches: idBatches(3), respond: { executePlan } });
    const stream = sparkStream(fixture.spark.range(3), { delivery: "staged" });
    const error = await errorOf(stream.toArray());
    expect(error).to.include({ code: "QUERY_FAILED", errorClass: LOST, sqlState: "XXKDD" });
    expect(error.message).to.match(/^A part of the staged frame was lost with an executor.*"result" or "push"/);
  });
});

/**
 * A server whose executors write files that its driver does not see, as into directories of their own: five rows were
 * written, and three are there.
 */
const unseenFiles: RespondWith["executePlan"] = ({ plan }) => {
  const op = plan?.opType;
  if (op?.case === "command" && op.value.commandType.case === "writeOperation") {
    const values = [{ literalType: { case: "long" as const, value: 5n } }];
    const observedMetrics = [{ name: "written", keys: ["rows"], values }];
    return { responses: [{ observedMetrics }, { responseType: { case: "resultComplete", value: {} } }] };
  }
  if (op?.case === "root" && op.value.relType.case === "aggregate") {
    return { batches: tableFromArrays({ id: Int32Array.of(0), rows: [3n], bytes: [24n] }) };
  }
  return undefined;
};

describe("A frame staged on storage that the driver and the executors do not share", () => {
  it("is an error that gives the counts, and never fewer rows", async () => {
    await using fixture = await scripted({ batches: idBatches(3), respond: { executePlan: unseenFiles } });
    const stream = sparkStream(fixture.spark.range(5), { delivery: "staged", staged: { path: "file:/tmp/own" } });
    const error = await errorOf(stream.toArray());
    expect(error).to.have.property("code", "INCOMPLETE_RESULT");
    expect(error.message).to.match(
      /^5 rows were written to file:\/tmp\/own\/spark_arrow_stream_\w+, and 3 are there\./,
    );
  });
});
