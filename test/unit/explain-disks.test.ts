import { expect } from "chai";
import { explainDisks } from "../../lib/delivery/staged/explain-disks.js";
import { SparkStreamError } from "../../lib/errors.js";

describe("An error of staging", () => {
  it("says that the executors' disks are full, or missing, where a task could not write there", () => {
    for (const reason of ["No space left on device", "Failed to create local dir in /mnt/spark/blockmgr-1/0a."]) {
      const cause = new SparkStreamError("QUERY_FAILED", `Job aborted: java.io.IOException: ${reason}\n\tat java.io`, {
        operationId: "op",
      });
      const error = explainDisks(cause) as SparkStreamError;
      expect(error).to.include({ code: "QUERY_FAILED", operationId: "op", cause });
      expect(error.message).to.include("spark.local.dir").and.include(reason);
    }
  });

  it("stays as it is where it comes of something else", () => {
    const query = new SparkStreamError("QUERY_FAILED", "Division by zero.");
    const other = new TypeError("x is not a function");
    expect(explainDisks(query)).to.equal(query);
    expect(explainDisks(other)).to.equal(other);
  });
});
