// The table of docs/types.md: what every type of Spark is as a JavaScript value, in NDJSON and in CSV. The files are read by
// Python's json, by DuckDB and by Python's csv, and compared with what PySpark gets for the same query.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import { csvWriter, ndjsonWriter, rows, type SparkSession, SparkStreamError, sparkStream } from "../../lib/index.js";
import { runPython } from "../support/python.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { arrowScript } from "../support/writers.js";

interface Row {
  readonly sql: string;
  readonly js: unknown;
  /** JSON text. */
  readonly ndjson: string;
  /** The cell; undefined for a type that CSV refuses. */
  readonly csv?: string;
}

const values: Readonly<Record<string, Row>> = {
  BOOLEAN: { sql: "true", js: true, ndjson: "true", csv: "true" },
  TINYINT: { sql: "-128Y", js: -128, ndjson: "-128", csv: "-128" },
  SMALLINT: { sql: "32767S", js: 32767, ndjson: "32767", csv: "32767" },
  INT: { sql: "-2147483648", js: -2147483648, ndjson: "-2147483648", csv: "-2147483648" },
  BIGINT: { sql: "42L", js: 42n, ndjson: "42", csv: "42" },
  "BIGINT beyond 2^53": {
    sql: "-9223372036854775807L",
    js: -9223372036854775807n,
    ndjson: '"-9223372036854775807"',
    csv: "-9223372036854775807",
  },
  FLOAT: { sql: "CAST(0.5 AS FLOAT)", js: 0.5, ndjson: "0.5", csv: "0.5" },
  "FLOAT of no double's digits": {
    sql: "CAST(0.1 AS FLOAT)",
    js: Math.fround(0.1),
    ndjson: "0.1",
    csv: "0.1",
  },
  DOUBLE: { sql: "0.1D", js: 0.1, ndjson: "0.1", csv: "0.1" },
  "DOUBLE that is no number": { sql: "DOUBLE('NaN')", js: Number.NaN, ndjson: '"NaN"', csv: "NaN" },
  "DOUBLE without end": {
    sql: "DOUBLE('-Infinity')",
    js: Number.NEGATIVE_INFINITY,
    ndjson: '"-Infinity"',
    csv: "-Infinity",
  },
  "DECIMAL(38,18)": {
    sql: "CAST('-12345678901234567890.123456789012345678' AS DECIMAL(38,18))",
    js: "-12345678901234567890.123456789012345678",
    ndjson: '"-12345678901234567890.123456789012345678"',
    csv: "-12345678901234567890.123456789012345678",
  },
  "DECIMAL(5,2)": { sql: "CAST('-0.50' AS DECIMAL(5,2))", js: "-0.50", ndjson: '"-0.50"', csv: "-0.50" },
  STRING: {
    sql: `'Grüße, "世界" 🌍'`,
    js: 'Grüße, "世界" 🌍',
    ndjson: '"Grüße, \\"世界\\" 🌍"',
    csv: '"Grüße, ""世界"" 🌍"',
  },
  "STRING of nothing": { sql: "''", js: "", ndjson: '""', csv: '""' },
  "CHAR(3)": { sql: "CAST('ab' AS CHAR(3))", js: "ab", ndjson: '"ab"', csv: "ab" },
  BINARY: { sql: "X'00FF7F80'", js: Uint8Array.of(0, 255, 127, 128), ndjson: '"AP9/gA=="', csv: "AP9/gA==" },
  DATE: { sql: "DATE'0001-01-01'", js: "0001-01-01", ndjson: '"0001-01-01"', csv: "0001-01-01" },
  TIMESTAMP: {
    sql: "TIMESTAMP'2026-06-30 12:34:56.123456'",
    js: "2026-06-30T10:34:56.123456Z",
    ndjson: '"2026-06-30T10:34:56.123456Z"',
    csv: "2026-06-30T10:34:56.123456Z",
  },
  TIMESTAMP_NTZ: {
    sql: "TIMESTAMP_NTZ'1969-12-31 23:59:59.999999'",
    js: "1969-12-31T23:59:59.999999",
    ndjson: '"1969-12-31T23:59:59.999999"',
    csv: "1969-12-31T23:59:59.999999",
  },
  "TIMESTAMP_NTZ beyond 2255": {
    sql: "TIMESTAMP_NTZ'9999-12-31 23:59:59.999999'",
    js: "9999-12-31T23:59:59.999999",
    ndjson: '"9999-12-31T23:59:59.999999"',
    csv: "9999-12-31T23:59:59.999999",
  },
  "TIME(6)": {
    sql: "TIME'12:34:56.123456'",
    js: "12:34:56.123456",
    ndjson: '"12:34:56.123456"',
    csv: "12:34:56.123456",
  },
  "INTERVAL DAY TO SECOND": {
    sql: "INTERVAL '-1 02:03:04.567891' DAY TO SECOND",
    js: "-P1DT2H3M4.567891S",
    ndjson: '"-P1DT2H3M4.567891S"',
    csv: "-P1DT2H3M4.567891S",
  },
  "INTERVAL YEAR TO MONTH": { sql: "INTERVAL '1-2' YEAR TO MONTH", js: "P1Y2M", ndjson: '"P1Y2M"', csv: "P1Y2M" },
  INTERVAL: {
    sql: "make_interval(1, 2, 3, 4, 5, 6, 7.000001)",
    js: "P1Y2M25DT5H6M7.000001S",
    ndjson: '"P1Y2M25DT5H6M7.000001S"',
    csv: "P1Y2M25DT5H6M7.000001S",
  },
  "ARRAY<INT>": { sql: "array(1, NULL, 3)", js: [1, null, 3], ndjson: "[1,null,3]" },
  "ARRAY<ARRAY<STRING>>": {
    sql: "array(array('a'), NULL, array())",
    js: [["a"], null, []],
    ndjson: '[["a"],null,[]]',
  },
  "STRUCT<…>": {
    sql: "named_struct('a', 1, 'b', named_struct('c', 'x', 'd', NULL))",
    js: { a: 1, b: { c: "x", d: null } },
    ndjson: '{"a":1,"b":{"c":"x","d":null}}',
  },
  "MAP<STRING,DECIMAL(4,1)>": {
    sql: "map('k', CAST(1.5 AS DECIMAL(4,1)), 'n', NULL)",
    js: new Map([
      ["k", "1.5"],
      ["n", null],
    ]),
    ndjson: '{"k":"1.5","n":null}',
  },
  "MAP<INT,ARRAY<STRUCT<x DATE>>>": {
    sql: "map(1, array(named_struct('x', DATE'2026-01-01')))",
    js: new Map([[1, [{ x: "2026-01-01" }]]]),
    ndjson: '{"1":[{"x":"2026-01-01"}]}',
  },
  "MAP of structs": {
    sql: "map(named_struct('a', 1), 2)",
    js: new Map([[{ a: 1 }, 2]]),
    ndjson: '[{"key":{"a":1},"value":2}]',
  },
  VARIANT: {
    sql: `parse_json('{"b": [1, null, 2.50, "x\\\\"y"], "a": {"t": true, "e": 1e300}}')`,
    js: '{"a":{"e":1e+300,"t":true},"b":[1,null,2.5,"x\\"y"]}',
    ndjson: '{"a":{"e":1e+300,"t":true},"b":[1,null,2.5,"x\\"y"]}',
    csv: '"{""a"":{""e"":1e+300,""t"":true},""b"":[1,null,2.5,""x\\""y""]}"',
  },
  "VARIANT of a timestamp": {
    sql: "CAST(TIMESTAMP'2026-06-30 12:34:56.5' AS VARIANT)",
    js: '"2026-06-30 10:34:56.5+00:00"',
    ndjson: '"2026-06-30 10:34:56.5+00:00"',
    csv: '"""2026-06-30 10:34:56.5+00:00"""',
  },
  VOID: { sql: "NULL", js: null, ndjson: "null", csv: "" },
};

/** Three rows in two partitions: the value, a null, the value. */
const query = (sql: string) => `SELECT id, IF(id = 1, NULL, ${sql}) AS value FROM range(0, 3, 1, 2)`;

describe("every type of Spark as values and text", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  let directory: string;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    await spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna");
    await spark.conf.set("spark.sql.timeType.enabled", true);
    directory = temporaryDirectory("values");
  });
  after(() => spark?.close());

  const file = (type: string, ending: string) => join(directory, `${Object.keys(values).indexOf(type)}.${ending}`);

  for (const [type, { sql, js, ndjson, csv }] of Object.entries(values)) {
    it(`${type} is a value, NDJSON, and CSV or refused by it with the column's name`, async () => {
      const batches = await sparkStream(spark.sql(query(sql))).toArray();
      const frame = () => Readable.from(batches);
      const found = await frame().compose(rows()).toArray();
      expect(found).to.deep.equal([
        { id: 0n, value: js },
        { id: 1n, value: null },
        { id: 2n, value: js },
      ]);

      await pipeline(frame(), ndjsonWriter(file(type, "ndjson")));
      expect(await readFile(file(type, "ndjson"), "utf8")).to.equal(
        `{"id":0,"value":${ndjson}}\n{"id":1,"value":null}\n{"id":2,"value":${ndjson}}\n`,
      );

      const written = pipeline(frame(), csvWriter(file(type, "csv")));
      if (csv === undefined) {
        const error = await written.then(
          () => expect.fail("should have been refused"),
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "UNSUPPORTED_TYPE");
        expect((error as Error).message).to.contain("`value`");
        return;
      }
      await written;
      expect(await readFile(file(type, "csv"), "utf8")).to.equal(`id,value\n0,${csv}\n1,\n2,${csv}\n`);
    });
  }

  it("is what PySpark says of the same query, as Python's json, DuckDB and Python's csv read the files", async () => {
    const { url, token } = await sparkServer();
    const queries = Object.entries(values).map(([type, { sql, csv }]) => ({
      type,
      sql: query(sql),
      ndjson: file(type, "ndjson"),
      csv: csv === undefined ? null : file(type, "csv"),
    }));
    // PySpark sends a token without TLS to nothing but the name localhost.
    const remote = `${url.replace("127.0.0.1", "localhost")}/;token=${token}`;
    expect(await runPython(arrowScript("pyspark_values"), [remote, JSON.stringify(queries)])).to.deep.equal([]);
  });
});
