import { expect } from "chai";
import { sparkStream } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";

const MIB = 2 ** 20;

describe("A row larger than a message of Spark Connect may be", function () {
  this.timeout(300_000);

  it("arrives in chunks, and with it the rows before and after it: 130 MiB, where a message has 128 at most", async () => {
    await using spark = await sparkSession({ driverMemory: "4g", conf: { "spark.driver.maxResultSize": "0" } });
    const large = `repeat(chr(CAST(97 + id AS INT)), IF(id = 1, ${130 * MIB}, 10))`;
    const found: [id: number, length: number, first: string, last: string][] = [];
    for await (const batch of sparkStream(spark.sql(`SELECT id, ${large} AS text FROM range(0, 3, 1, 1)`))) {
      for (const { id, text } of batch) found.push([Number(id), text.length, text.at(0), text.at(-1)]);
    }
    expect(found).to.deep.equal([
      [0, 10, "a", "a"],
      [1, 130 * MIB, "b", "b"],
      [2, 10, "c", "c"],
    ]);
  });
});
