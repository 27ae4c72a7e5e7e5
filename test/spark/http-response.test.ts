// Queries of a real Spark into HTTP responses, by a real client.
import { expect } from "chai";
import type { SparkSession } from "../../lib/index.js";
import { formats, get, leave, queryServer } from "../support/query-server.js";
import { within } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";

describe("A query of Spark into an HTTP response", function () {
  this.timeout(240_000); // the first start installs Spark
  let spark: SparkSession;
  let http: Awaited<ReturnType<typeof queryServer>>;
  before(async () => {
    spark = await sparkSession();
    http = await queryServer((sql) => spark.sql(sql));
  });
  after(async () => {
    await http?.[Symbol.asyncDispose]();
    await spark?.close();
  });
  beforeEach(() => http.errors.splice(0));

  for (const format of formats) {
    it(`is answered with a status where it is wrong, or fails at its first row: ${format}`, async () => {
      const wrong = await get(http.url(format, "SELECT nope FROM range(1)"));
      expect([wrong.status, wrong.complete]).to.deep.equal([400, true]);
      expect(wrong.text).to.contain("UNRESOLVED_COLUMN");
      const failing = await get(http.url(format, "SELECT raise_error('at once') AS id FROM range(10)"));
      expect([failing.status, failing.complete]).to.deep.equal([400, true]);
      expect(failing.text).to.contain("at once");
      const fine = await get(http.url(format, "SELECT id FROM range(10)"));
      expect([fine.status, fine.complete]).to.deep.equal([200, true]);
    });

    it(`breaks off where it fails after megabytes: ${format}`, async () => {
      const late = "if(id = 2999999, raise_error('at last'), id)";
      const { status, bytes, complete } = await get(
        http.url(format, `SELECT ${late} AS id, uuid() AS token FROM range(0, 3000000, 1, 30)`),
      );
      expect([status, complete]).to.deep.equal([200, false]);
      expect(bytes).to.be.above(1_000_000);
      expect(http.errors.map(({ code }) => code)).to.deep.equal(["QUERY_FAILED"]);
      expect((await get(http.url(format, "SELECT 1 AS one"))).status).to.equal(200);
    });

    it(`is stopped on the cluster when the client leaves: ${format}`, async () => {
      await leave(http.url(format, "SELECT id, uuid() AS token FROM range(0, 1000000000, 1, 1000)"));
      await within(20_000, () => expect(http.errors).to.have.length(1));
      expect(http.errors[0]!.code).to.match(format === "arrow" ? /PREMATURE_CLOSE|ABORT_ERR/ : /TARGET_CLOSED/);
      // Both slots of this Spark would be taken for minutes if it ran on.
      const begin = performance.now();
      expect(await spark.range(0, 1000, 1, 2).count()).to.equal(1000);
      expect(performance.now() - begin).to.be.below(30_000);
    });
  }
});
