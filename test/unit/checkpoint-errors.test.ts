import { expect } from "chai";
import { isRefusal } from "../../lib/connect/rpc/refusal.js";
import { explainDisks } from "../../lib/connect/session/explain-disks.js";
import { isRefusalWithoutClass, SparkStreamError } from "../../lib/errors.js";

describe("An error of what Spark keeps on disks", () => {
  it("says that the executors' disks are full, or missing, where a task could not write there", () => {
    for (const reason of [
      "No space left on device",
      "Failed to create local dir in /mnt/spark/blockmgr-1/0a.",
      "java.nio.file.NoSuchFileException: /mnt/spark/blockmgr-1/0a/rdd_1_0",
    ]) {
      const cause = new SparkStreamError("QUERY_FAILED", `Job aborted: java.io.IOException: ${reason}\n\tat java.io`, {
        operationId: "op",
      });
      const error = explainDisks(cause, "the rows", "use pull") as SparkStreamError;
      expect(error).to.include({ code: "QUERY_FAILED", operationId: "op", cause });
      expect(error.message).to.include("spark.local.dir").and.include(reason);
    }
  });

  it("is not taken for a refusal of checkpoints if a job ran and failed", () => {
    const failed = new SparkStreamError("QUERY_FAILED", "Job aborted due to stage failure: Task 0 in stage 1.0 failed");
    expect(isRefusal(failed)).to.equal(false);
    expect(isRefusalWithoutClass(failed)).to.equal(false);
    expect(isRefusal(new SparkStreamError("QUERY_FAILED", "not implemented: checkpoint"))).to.equal(true);
  });

  it("stays as it is where it comes of something else", () => {
    const query = new SparkStreamError("QUERY_FAILED", "Division by zero.");
    const other = new TypeError("x is not a function");
    expect(explainDisks(query, "it", "")).to.equal(query);
    expect(explainDisks(other, "it", "")).to.equal(other);
  });
});
