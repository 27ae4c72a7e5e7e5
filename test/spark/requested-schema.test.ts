import {
  Bool,
  DateDay,
  Decimal,
  Field,
  Float64,
  Int16,
  Int32,
  Int64,
  List,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampSecond,
  Uint8,
  Utf8,
} from "apache-arrow";
import { expect } from "chai";
import { type SparkSession, sparkStream } from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { SparkUi } from "../support/spark-ui.js";

describe("requestedSchema on a real Spark", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await (await SparkUi.open()).connect();
    await spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna");
  });
  after(() => spark?.close());

  const schemaOf = (...fields: Field[]) => new Schema(fields);
  const frame = () => spark.sql("SELECT id, '7' AS text, 1.25D AS x FROM range(3)");

  for (const delivery of ["result", "staged"] as const) {
    it(`has Spark cast the columns, delivered as "${delivery}"`, async () => {
      const requestedSchema = schemaOf(
        new Field("id", new Utf8(), false),
        new Field("text", new Int32(), true),
        new Field("x", new Decimal(2, 10), true),
      );
      const stream = sparkStream(frame(), { delivery, requestedSchema });
      expect(`${await stream.schema}`).to.equal(`${requestedSchema}`);
      expect((await stream.schema).fields.map(({ nullable }) => nullable)).to.deep.equal([false, true, true]);
      const batches = await stream.toArray();
      const rows = batches.flatMap((batch) => [...batch].map(({ id, text }) => [id, text]));
      expect(rows).to.deep.equal([
        ["0", 7],
        ["1", 7],
        ["2", 7],
      ]);
      expect(`${batches[0].getChild("x").get(0)}`).to.equal("125");
    });
  }

  it("casts what is nested, days and instants, and columns of one name each by itself", async () => {
    const source = spark.sql(
      "SELECT array(named_struct('a b', '1')) AS n, '2024-02-29' AS d, '2024-02-29 12:00:00' AS d, '2024-02-29 12:00:00' AS t",
    );
    const requestedSchema = schemaOf(
      new Field(
        "n",
        new List(new Field("element", new Struct<{ "a b": Int16 }>([new Field("a b", new Int16(), true)]), true)),
        true,
      ),
      new Field("d", new DateDay(), true),
      new Field("d", new TimestampMicrosecond(), true),
      new Field("t", new TimestampMicrosecond("Europe/Vienna"), true),
    );
    const stream = sparkStream(source, { requestedSchema });
    expect(`${await stream.schema}`).to.equal(`${requestedSchema}`);
    const [batch] = await stream.toArray();
    expect(`${batch.getChildAt(0).get(0)}`).to.equal('[{"a b": 1}]');
    expect(Number(batch.getChildAt(1).get(0))).to.equal(Date.UTC(2024, 1, 29));
    expect(Number(batch.getChildAt(3).get(0))).to.equal(Date.UTC(2024, 1, 29, 11));
  });

  const refused: Record<string, [Schema, code: string, text: string]> = {
    "with another number of columns": [schemaOf(new Field("id", new Int64())), "SCHEMA_MISMATCH", "has 1 columns"],
    "with other names": [
      schemaOf(new Field("id", new Int64()), new Field("x", new Utf8()), new Field("text", new Float64())),
      "SCHEMA_MISMATCH",
      'Column 1 is "text", but "x" in the requested schema',
    ],
    "with a type that Spark never sends": [
      schemaOf(new Field("id", new Uint8()), new Field("text", new Utf8()), new Field("x", new Float64())),
      "UNSUPPORTED_TYPE",
      '"id" is requested as Uint8',
    ],
    "with a unit of time that Spark does not have": [
      schemaOf(new Field("id", new TimestampSecond()), new Field("text", new Utf8()), new Field("x", new Float64())),
      "UNSUPPORTED_TYPE",
      '"id"',
    ],
    "with a cast that Spark does not have": [
      schemaOf(new Field("id", new Int64()), new Field("text", new Utf8()), new Field("x", new DateDay())),
      "QUERY_FAILED",
      "DATE",
    ],
    "with another time zone than the session's": [
      schemaOf(
        new Field("id", new TimestampMicrosecond("UTC"), true),
        new Field("text", new Utf8()),
        new Field("x", new Bool(), true),
      ),
      "SCHEMA_MISMATCH",
      "Europe/Vienna",
    ],
  };
  for (const [what, [requestedSchema, code, text]] of Object.entries(refused)) {
    it(`refuses a schema ${what}, before data flows`, async () => {
      const error = await errorOf(sparkStream(frame(), { requestedSchema }).toArray());
      expect(error).to.include({ code });
      expect(error.message).to.include(text);
    });
  }

  it("refuses to promise that a column is never null where Spark cannot", async () => {
    const requestedSchema = schemaOf(new Field("n", new Int32(), false));
    const error = await errorOf(
      sparkStream(spark.sql("SELECT IF(id > 1, 1, NULL) AS n FROM range(3)"), { requestedSchema }).toArray(),
    );
    expect(error).to.include({ code: "SCHEMA_MISMATCH" });
    expect(error.message).to.include("`n` as nullable where not nullable is expected");
  });

  it("fails as the query does on a value that cannot be cast", async () => {
    const requestedSchema = schemaOf(new Field("t", new Int32(), true));
    const source = spark.sql("SELECT IF(id > 1, 'x', '1') AS t FROM range(3)");
    expect(await errorOf(sparkStream(source, { requestedSchema }).toArray())).to.include({
      code: "QUERY_FAILED",
      errorClass: "CAST_INVALID_INPUT",
    });
  });
});
