import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Table } from "apache-arrow";
import { expect } from "chai";
import { parquetWriter, type SparkSession, SparkStreamError, sparkStream } from "../../lib/index.js";
import { runPython } from "../support/python.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Spark type → an expression with a value that is hard to keep. Every column also comes with a null. */
const types: Record<string, string> = {
  boolean: "true",
  tinyint: "-128Y",
  smallint: "32767S",
  int: "-2147483648",
  bigint: "9223372036854775807L",
  float: "CAST(1.1 AS FLOAT)",
  double: "0.1D",
  "decimal(38,18)": "CAST('-12345678901234567890.123456789012345678' AS DECIMAL(38,18))",
  "decimal(5,2)": "CAST('999.99' AS DECIMAL(5,2))",
  string: "'Grüße, 世界 🌍'",
  "char(3)": "CAST('ab' AS CHAR(3))",
  binary: "X'00FF7F80'",
  date: "DATE'0001-01-01'",
  timestamp: "TIMESTAMP'2026-06-30 12:34:56.123456'",
  timestamp_ntz: "TIMESTAMP_NTZ'1969-12-31 23:59:59.999999'",
  "array<int>": "array(1, NULL, 3)",
  "array<array<string>>": "array(array('a'), NULL, array())",
  "struct<a:int,b:struct<c:string>>": "named_struct('a', 1, 'b', named_struct('c', 'x'))",
  "map<string,decimal(4,1)>": "map('k', CAST(1.5 AS DECIMAL(4,1)), 'n', NULL)",
  "map<int,array<struct<x:date>>>": "map(1, array(named_struct('x', DATE'2026-01-01')))",
  void: "NULL",
};

/** Types that Parquet has no counterpart for: they arrive as Arrow and are refused by name at the Parquet writer. */
const arrowOnly: Record<string, string> = {
  "interval day to second": "INTERVAL '1 02:03:04.567891' DAY TO SECOND",
  "interval year to month": "INTERVAL '1-2' YEAR TO MONTH",
  interval: "make_interval(1, 2, 3, 4, 5, 6, 7.000001)",
  variant: `parse_json('{"a": [1, null]}')`,
  "time(6)": "TIME'12:34:56.123456'",
};

/** Types that Arrow has as structs. */
const geospatial: Record<string, string> = {
  "geometry(0)": "ST_GeomFromWKB(X'0101000000000000000000F03F0000000000000040')",
  "geography(4326)": "ST_GeogFromWKB(X'0101000000000000000000F03F0000000000000040')",
};

/** Three rows: the value, a null, the value; and no nullable column where the expression cannot be null. */
function query(expression: string): string {
  return `SELECT id, IF(id = 1, NULL, ${expression}) AS value, ${expression} AS never_null FROM range(0, 3, 1, 2)`;
}

/** PySpark sends a token without TLS to nothing but the name localhost. */
async function remoteForPySpark() {
  const { url, token } = await sparkServer();
  return { url: url.replace("127.0.0.1", "localhost"), token };
}

describe("every type of Spark", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    await spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna");
    await spark.conf.set("spark.sql.timeType.enabled", true);
  });
  after(() => spark?.close());

  for (const [type, expression] of Object.entries({ ...types, ...arrowOnly, ...geospatial })) {
    it(`${type}: the schema is known before the query runs, and is what arrives`, async () => {
      const frame = spark.sql(query(expression));
      const stream = sparkStream(frame);
      const arrived = await stream.schema;
      stream.destroy();
      expect(String(await frame.schema())).to.equal(String(arrived));
      expect((await frame.schema()).fields.map(({ nullable, metadata }) => [nullable, [...metadata]])).to.deep.equal(
        arrived.fields.map(({ nullable, metadata }) => [nullable, [...metadata]]),
      );
    });
  }

  it("arrives in a Parquet file with the values and types that PySpark gets", async () => {
    const dir = temporaryDirectory("types");
    const queries: [string, string, string][] = [];
    for (const [index, [type, expression]] of Object.entries(types).entries()) {
      const file = join(dir, `${index}.parquet`);
      await pipeline(sparkStream(spark.sql(query(expression))), parquetWriter(file));
      queries.push([type, query(expression), file]);
    }
    const { url, token } = await remoteForPySpark();
    const differences = await runPython(
      `
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
from pyspark.sql import SparkSession
url, token, queries = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
spark = SparkSession.builder.remote(url + "/;token=" + token).getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna")
differences = []
for type, query, file in queries:
    # Not toArrow(): its cast to the same types refuses a null struct whose fields are not nullable.
    (expected, _), found = spark.sql(query)._to_table(), pq.read_table(file)
    if not found.schema.equals(expected.schema):
        differences.append(f"{type}: schema {found.schema} where {expected.schema} should be")
    elif not found.equals(expected):
        differences.append(f"{type}: {found.to_pylist()} where {expected.to_pylist()} should be")
print(json.dumps(differences))
`,
      [url, token, JSON.stringify(queries)],
    );
    expect(differences).to.deep.equal([]);
  });

  for (const [type, expression] of Object.entries(arrowOnly)) {
    it(`${type}: arrives exactly in Parquet, or is refused with the column's name and no file`, async () => {
      const dir = temporaryDirectory("types");
      const file = join(dir, "x.parquet");
      const sql = `SELECT id, ${expression} AS odd FROM range(2)`;
      let error: unknown;
      try {
        await pipeline(sparkStream(spark.sql(sql)), parquetWriter(file));
      } catch (caught) {
        error = caught;
      }
      if (error) {
        expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "UNSUPPORTED_TYPE");
        expect((error as Error).message).to.include("odd");
        return;
      }
      const { url, token } = await remoteForPySpark();
      const same = await runPython(
        `
import json, sys
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1] + "/;token=" + sys.argv[2]).getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna")
spark.conf.set("spark.sql.timeType.enabled", "true")
(expected, _), found = spark.sql(sys.argv[3])._to_table(), pq.read_table(sys.argv[4])
print(json.dumps(found.equals(expected) or f"{found} where {expected} should be"))
`,
        [url, token, sql, file],
      );
      expect(same).to.equal(true);
    });
  }

  it("large strings and binaries come where the session asks for them", async () => {
    await spark.conf.set("spark.sql.execution.arrow.useLargeVarTypes", true);
    try {
      const frame = spark.sql("SELECT 'a' AS s, X'01' AS b");
      const batches = await sparkStream(frame).toArray();
      expect(String(await frame.schema())).to.equal(String(batches[0].schema));
      expect(String(batches[0].schema)).to.include("LargeUtf8");
      expect(new Table(batches).get(0)?.toJSON()).to.deep.equal({ s: "a", b: Uint8Array.of(1) });
    } finally {
      await spark.conf.unset("spark.sql.execution.arrow.useLargeVarTypes");
    }
  });
});
