// What pandas, pyarrow, polars, DuckDB, datafusion and Spark read of the files that the writers write. Where a reader sees
// something else, docs/types.md says so.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  Data,
  type DataType,
  Field,
  Int32,
  IntervalMonthDayNano,
  IntervalYearMonth,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimeNanosecond,
  TimestampMicrosecond,
  tableFromArrays,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { arrowIpcBytes, type SparkSession, sparkStream } from "../../lib/index.js";
import { byteWriter } from "../../lib/sinks/files/byte-writer.js";
import {
  differences,
  type Reads,
  readByOthers,
  type TextTable,
  write,
  writersByEnding,
} from "../support/other-readers.js";
import { sparkSession } from "../support/spark.js";

const names = [
  "plain",
  "a.b",
  'say "hi"',
  "it's",
  "`back`",
  "two\nlines",
  "a\rreturn",
  "é😀",
  " leading",
  "trailing ",
  "select",
  "SELECT * FROM t; --",
  "a,b",
  "x".repeat(1000),
  "a\ttab",
  "0",
  "\\",
  "{}",
  "__proto__",
];

/** Not by an object of names, of which __proto__ would be none. */
function batchOf(...columns: readonly (readonly [name: string, vector: Vector])[]): RecordBatch {
  const fields = columns.map(([name, { type }]) => new Field(name, type, true));
  const children = columns.map(([, vector]) => vector.data[0]!);
  const length = children[0]!.length;
  return new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length, nullCount: 0, children }));
}

const ints = (...values: (number | null)[]) => vectorFromArray(values, new Int32());
const texts = (...values: (string | null)[]) => vectorFromArray(values, new Utf8());

/** A value, and a null. */
const oneAndNull = (type: DataType, data: BigInt64Array | Int32Array) =>
  new Vector([new Data(type, 0, 2, 1, [undefined, data, Uint8Array.of(1)])]);

function textTable(batch: RecordBatch): TextTable {
  return batch.schema.fields.map(({ name }, index) => {
    const values = [...new Vector([batch.data.children[index]!])];
    return [name, values.map((value) => (value === null ? null : String(value)))] as const;
  });
}

/** The files that a batch is written to, and what readers see in another way, by the file. */
interface Case {
  readonly title: string;
  readonly batch: RecordBatch;
  readonly files: readonly string[];
  readonly expected?: TextTable;
  readonly others?: Readonly<Record<string, readonly string[]>>;
}

const all = (name: string, except: readonly string[] = []) =>
  Object.keys(writersByEnding)
    .filter((ending) => !except.includes(ending))
    .map((ending) => `${name}${ending}`);

const strings = [
  " a",
  "a ",
  "NULL",
  "null",
  "NaN",
  "a\nb",
  "a\rb",
  "a\r\nb",
  '"',
  "\\N.",
  "\\",
  "'",
  ",",
  "😀",
  "true",
  "007",
];
const zones = [
  "Europe/Berlin",
  "UTC",
  "Z",
  "GMT",
  "UT",
  "GMT+8",
  "UTC+08:00",
  "+8",
  "-03:00",
  "+01:02:03",
  "PST",
  "Etc/GMT+8",
];
const counts = [0n, 1_750_000_000_123_456n, -1n];
const inZone = (zone: string) =>
  new Vector([makeData({ type: new TimestampMicrosecond(zone), data: BigInt64Array.from(counts) })]);
const [nameless] = tableFromArrays({ l: [[1, 2], [3]], s: [{ "": 1 }, { "": 2 }] }).batches;

const lost = (reader: string) => [`${reader}: first: [null,null,"x"]`, `${reader}: last: [null,"x",null]`];
const one = (reader: string, value: string | null) => `${reader}: t: ${JSON.stringify([value, value, "x", value])}`;

const cases: readonly Case[] = [
  {
    title: "see columns of any name, but for what each makes of names itself",
    batch: batchOf(...names.map((name, index) => [name, ints(index, null)] as const)),
    files: all("names"),
    others: {
      "names.csv": [
        'polars: "say \\"hi\\"" is "say \\"\\"hi\\"\\""',
        'duckdb: " leading" is "leading"',
        'duckdb: "trailing " is "trailing"',
      ],
    },
  },
  {
    title: "see two columns whose names differ by their case, but for DuckDB and Spark, to which they are one",
    batch: batchOf(["plain", ints(1, null)], ["Plain", ints(2, null)]),
    files: all("case"),
    others: {
      "case.parquet": ['duckdb: "Plain" is "Plain_1"', "spark: COLUMN_ALREADY_EXISTS"],
      "case.csv": ['duckdb: "Plain" is "Plain_1"', 'spark: "plain" is "plain0"', 'spark: "Plain" is "Plain1"'],
      "case.ndjson": ['duckdb: "Plain" is "Plain_1"', "spark: COLUMN_ALREADY_EXISTS"],
    },
  },
  {
    title: "see every row and every null; an empty string of CSV is a null to pandas, DuckDB, datafusion and Spark",
    batch: batchOf(
      ["none", texts("a", "b", "c")],
      ["all", texts(null, null, null)],
      ["first", texts(null, "", "x")],
      ["last", texts("", "x", null)],
      ["number", ints(1, null, 3)],
      ["void", vectorFromArray([null, null, null], new Null())],
    ),
    files: [...all("nulls"), "nulls_null_text.csv"],
    others: {
      "nulls.csv": ["pandas", "duckdb", "datafusion", "spark"].flatMap(lost),
      // It knows no other text of a null.
      "nulls_null_text.csv": [
        'datafusion: all: ["\\\\N","\\\\N","\\\\N"]',
        'datafusion: first: ["\\\\N",null,"x"]',
        'datafusion: last: [null,"x","\\\\N"]',
        'datafusion: number: ["1","\\\\N","3"]',
        'datafusion: void: ["\\\\N","\\\\N","\\\\N"]',
      ],
    },
  },
  {
    title: "see every row of one column of CSV, and with nullText which of them are null",
    batch: batchOf(["t", texts(null, "", "x", null)]),
    files: [...all("one"), "one_null_text.csv"],
    others: {
      "one.csv": [
        one("pyarrow", ""),
        one("pandas", null),
        one("polars", ""),
        one("duckdb", null),
        one("datafusion", null),
        one("spark", null),
      ],
      "one_null_text.csv": ['datafusion: t: ["\\\\N",null,"x","\\\\N"]'],
    },
  },
  {
    title: "see texts as they are",
    batch: batchOf(["i", ints(...strings.map((_, index) => index))], ["t", texts(...strings)]),
    files: all("texts"),
  },
  {
    // pyarrow and polars could not read a column of GMT+8, which Spark takes for a zone.
    title: "see the instants of a column in every zone that Spark takes",
    batch: batchOf(...zones.map((zone) => [zone, inZone(zone)] as const)),
    files: all("zones", [".csv", ".ndjson"]),
    expected: zones.map((zone) => [zone, counts.map((count) => `${count * 1000n}`)] as const),
  },
  {
    title: "see instants in a zone of half hours, but for polars",
    batch: batchOf(["at", inZone("GMT-03:30")]),
    files: all("half", [".csv", ".ndjson"]),
    expected: [["at", counts.map((count) => `${count * 1000n}`)]],
    others: {
      "half.parquet": ["polars: PanicException"],
      "half.arrow": ["polars: PanicException"],
      "half.arrows": ["polars: PanicException"],
    },
  },
  {
    title: "see TIME",
    batch: batchOf(["at", oneAndNull(new TimeNanosecond(), BigInt64Array.of(45_296_123_456_000n, 0n))]),
    files: all("time", [".csv", ".ndjson"]),
    expected: [["at", ["45296123456000", null]]],
  },
  {
    title: "see INTERVAL in Arrow, but for polars",
    batch: batchOf(["took", oneAndNull(new IntervalMonthDayNano(), Int32Array.of(14, 25, 1000, 0, 0, 0, 0, 0))]),
    files: ["calendar.arrow", "calendar.arrows"],
    expected: [["took", ["[14, 25, 1000]", null]]],
    others: { "calendar.arrow": ["polars: PanicException"], "calendar.arrows": ["polars: PanicException"] },
  },
  {
    title: "have no value for INTERVAL YEAR TO MONTH of Arrow",
    batch: batchOf(["took", oneAndNull(new IntervalYearMonth(), Int32Array.of(14, 0))]),
    files: ["months.arrow", "months.arrows"],
    others: {
      "months.arrow": ["pyarrow: KeyError", "pandas: KeyError", "polars: PanicException", "datafusion: KeyError"],
      "months.arrows": ["pyarrow: KeyError", "polars: PanicException"],
    },
  },
  {
    title: "see two columns of one name as far as they have a way to",
    batch: batchOf(["a", ints(1, null)], ["a", ints(2, null)]),
    files: all("twins", [".ndjson"]),
    others: {
      "twins.parquet": [
        "pandas: ArrowInvalid",
        "polars: DuplicateError",
        'duckdb: "a" is "a_1"',
        'datafusion: "a" is undefined',
        "spark: COLUMN_ALREADY_EXISTS",
      ],
      "twins.arrow": ["polars: PanicException", 'datafusion: "a" is undefined'],
      "twins.arrows": ["polars: PanicException"],
      "twins.csv": [
        'pandas: "a" is "a.1"',
        'polars: "a" is "a_duplicated_0"',
        'duckdb: "a" is "a_1"',
        "datafusion: Exception",
        'spark: "a" is "a0"',
        'spark: "a" is "a1"',
      ],
    },
  },
  {
    // The names were left out of Arrow's schema: polars could not read it.
    title: "see lists and structs whose parts have no name",
    batch: nameless!,
    files: all("nameless", [".csv"]),
    expected: [
      ["l", ["[1, 2]", "[3]"]],
      ["s", ["{: 1}", "{: 2}"]],
    ],
    others: {
      "nameless.parquet": ['duckdb: s: ["{element1: 1}","{element1: 2}"]'],
      "nameless.ndjson": ['duckdb: s: ["{\\"\\":1}","{\\"\\":2}"]', 'spark: "s" is undefined'],
    },
  },
  {
    title:
      "see a column without a name, for which DuckDB makes one, and in CSV pandas and Spark; in JSON Spark drops it",
    batch: batchOf(["a", ints(1, 2)], ["", ints(3, null)]),
    files: all("column"),
    others: {
      "column.parquet": ['duckdb: "" is "C1"'],
      "column.csv": ['pandas: "" is "Unnamed: 1"', 'duckdb: "" is "column1"', 'spark: "" is "_c1"'],
      "column.ndjson": [
        'duckdb: "a" is "json"',
        'duckdb: a: ["{\\"a\\":1,\\"\\":3}","{\\"a\\":2,\\"\\":null}"]',
        'duckdb: "" is undefined',
        'spark: "" is undefined',
      ],
    },
  },
];

/** A column of each type of Spark, with a null; times of which Python's own types have none. */
const columns = [
  "id",
  "IF(id = 1, NULL, id = 0) AS bool",
  "IF(id = 1, NULL, CAST(id - 2 AS TINYINT)) AS tiny",
  "IF(id = 1, NULL, CAST(id - 30000 AS SMALLINT)) AS small",
  "IF(id = 1, NULL, CAST(id - 2147483648 AS INT)) AS int",
  "IF(id = 1, NULL, id - 9223372036854775807) AS big",
  "element_at(array(0.1F, NULL, FLOAT('NaN'), FLOAT('-Infinity'), -0.0F), CAST(id + 1 AS INT)) AS float",
  "element_at(array(0.1D, NULL, DOUBLE('NaN'), DOUBLE('Infinity'), -0.0D), CAST(id + 1 AS INT)) AS double",
  "IF(id = 1, NULL, CAST(id - 2 AS DECIMAL(9, 2))) AS decimal_9",
  "IF(id = 1, NULL, CAST(concat('-9999999999999999999999999999999999', id, '.999') AS DECIMAL(38, 3))) AS decimal_38",
  "element_at(array('', NULL, 'é😀', ' x ', 'NULL'), CAST(id + 1 AS INT)) AS text",
  "element_at(array(X'', NULL, X'00FF', X'CAFE', X'22'), CAST(id + 1 AS INT)) AS bytes",
  "element_at(array(DATE'0001-01-01', NULL, DATE'1582-10-04', DATE'1582-10-15', DATE'9999-12-31'), CAST(id + 1 AS INT)) AS day",
  "date_add(DATE'9999-12-31', CAST(id AS INT)) AS later",
  "element_at(array(TIMESTAMP'0001-01-01 00:00:00Z', NULL, TIMESTAMP'1582-10-04 12:00:00.000001Z', TIMESTAMP'2026-06-30 10:34:56.123456Z', TIMESTAMP'9999-12-31 23:59:59.999999Z'), CAST(id + 1 AS INT)) AS instant",
  "IF(id = 1, NULL, TIMESTAMP_NTZ'1900-01-01 00:00:00.5') AS local",
  "IF(id = 1, NULL, INTERVAL '-1 02:03:04.567891' DAY TO SECOND) AS took",
  "IF(id = 1, NULL, array(id, NULL)) AS list",
  "IF(id = 1, NULL, named_struct('a', id, 'b', array(named_struct('c', 'x')))) AS struct",
  "IF(id = 1, NULL, map('k', id, 'l', NULL)) AS map",
  "IF(id = 1, NULL, parse_json('{\"k\": [1, 2.5, null]}')) AS variant",
  "NULL AS void",
];

describe("Other readers, of files of the writers,", function () {
  this.timeout(240_000);
  let spark: SparkSession;
  let directory: string;
  let reads: Map<string, Reads>;
  const path = (file: string) => join(directory, file);
  const typed = ["types.parquet", "types.arrow", "types.arrows"];

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    directory = await mkdtemp(join(tmpdir(), "other-readers-"));
    spark = await sparkSession();
    await spark.conf.set("spark.sql.timeType.enabled", true);
    for (const { batch, files } of cases) for (const file of files) await write(path(file), [batch]);
    const frame = spark.sql(`SELECT ${columns.join(", ")} FROM range(0, 5, 1, 1)`);
    await pipeline(arrowIpcBytes(frame), byteWriter(path("source.arrows")));
    for (const file of typed) await write(path(file), sparkStream(frame));
    const files = [...cases.flatMap(({ files }) => files), ...typed, "source.arrows"];
    reads = await readByOthers(files.map(path), spark);
  });
  after(async () => {
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });

  for (const { title, batch, files, expected = textTable(batch), others = {} } of cases) {
    it(title, () => {
      const found = Object.fromEntries(files.map((file) => [file, differences(expected, reads.get(path(file))!)]));
      expect(found).to.deep.equal({ ...Object.fromEntries(files.map((file) => [file, []])), ...others });
    });
  }

  it("see the values of every type that Spark sends, as pyarrow sees what Spark sent", () => {
    const source = reads.get(path("source.arrows"))!.pyarrow!;
    if ("error" in source) expect.fail(source.error);
    const expected = source.names.map((name, index) => [name, source.columns[index]!] as const);
    const found = Object.fromEntries(typed.map((file) => [file, differences(expected, reads.get(path(file))!)]));
    const took = '["-93784567891",null,"-93784567891","-93784567891","-93784567891"]'; // microseconds
    expect(found).to.deep.equal({
      "types.parquet": [`duckdb: took: ${took}`, `spark: took: ${took}`],
      // As with what Spark sends: it has nulls below a VARIANT that is null, in fields that have none.
      "types.arrow": ["pandas: ArrowInvalid"],
      "types.arrows": [],
    });
  });
});
