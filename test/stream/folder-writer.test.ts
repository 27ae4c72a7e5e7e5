// Writers whose target is a folder of files: by the values of columns, by rows, by bytes; whole or not there.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { DateDay, Decimal, Float64, Int32, Int64, type RecordBatch, TimestampMicrosecond, Utf8 } from "apache-arrow";
import { expect } from "chai";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter } from "../../lib/index.js";
import { runPython } from "../support/python.js";
import { batchOfValues, directoryPerTest, failure, writeAll } from "../support/writers.js";

const trips = (first: number, count: number, dayOf = (id: number) => id % 3) => {
  const ids = Array.from({ length: count }, (_, index) => first + index);
  return batchOfValues({
    id: [new Int32(), ids],
    day: [new Utf8(), ids.map((id) => `d${dayOf(id)}`)],
    price: [new Float64(), ids.map((id) => id / 2)],
  });
};

describe("A writer of a folder", function () {
  this.timeout(120_000);
  const directory = directoryPerTest();
  const target = () => directory.path("out");

  async function filesOf(path = target()): Promise<string[]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
      .sort();
  }

  /** Text of each file, by its path. */
  async function texts(): Promise<Record<string, string>> {
    const files = (await filesOf()).filter((name) => name !== "_SUCCESS");
    const entries = files.map(async (name) => [name, await readFile(join(target(), name), "utf8")]);
    return Object.fromEntries(await Promise.all(entries));
  }

  it("has a folder for each value, its rows in their order, and not the column", async () => {
    await writeAll([trips(0, 4), trips(4, 3)], csvWriter(target(), { partitionBy: ["day"] }));
    expect(await texts()).to.deep.equal({
      "day=d0/part-00000.csv": "id,price\n0,0\n3,1.5\n6,3\n",
      "day=d1/part-00000.csv": "id,price\n1,0.5\n4,2\n",
      "day=d2/part-00000.csv": "id,price\n2,1\n5,2.5\n",
    });
    expect(await filesOf()).to.include("_SUCCESS");
    expect(await directory.files()).to.deep.equal(["out"]);
  });

  it("names folders by several columns, with escapes, and one for what has no value", async () => {
    const batch = batchOfValues({
      id: [new Int64(), [1n, 2n, 3n, 4n]],
      "c:d": [new Utf8(), ["a/b=c", "", null, "é %\0"]],
      day: [new DateDay(), [0, 0, 20_000, null].map((day) => (day === null ? null : new Date(day * 86_400_000)))],
      n: [
        new Decimal(2, 10),
        [1n, -250n, null, 5n].map((n) => n && new Uint32Array(new BigInt64Array([n, n < 0n ? -1n : 0n]).buffer)),
      ],
    });
    await writeAll([batch], ndjsonWriter(target(), { partitionBy: ["c:d", "day", "n"] }));
    expect(Object.keys(await texts())).to.deep.equal(
      [
        "c%3Ad=__HIVE_DEFAULT_PARTITION__/day=1970-01-01/n=-2.50/part-00000.ndjson",
        "c%3Ad=__HIVE_DEFAULT_PARTITION__/day=2024-10-04/n=__HIVE_DEFAULT_PARTITION__/part-00000.ndjson",
        "c%3Ad=a%2Fb%3Dc/day=1970-01-01/n=0.01/part-00000.ndjson",
        "c%3Ad=é %25%00/day=__HIVE_DEFAULT_PARTITION__/n=0.05/part-00000.ndjson",
      ].sort(),
    );
  });

  it("has files of so many rows, exactly, and one without rows for an empty result", async () => {
    await writeAll([trips(0, 5), trips(5, 8), trips(13, 1)], ndjsonWriter(target(), { maxRowsPerFile: 6 }));
    const rows = Object.entries(await texts()).map(([name, text]) => [name, text.split("\n").length - 1]);
    expect(rows).to.deep.equal([
      ["part-00000.ndjson", 6],
      ["part-00001.ndjson", 6],
      ["part-00002.ndjson", 2],
    ]);
    await writeAll([trips(0, 0)], csvWriter(directory.path("none"), { maxRowsPerFile: 6 }));
    expect(await filesOf(directory.path("none"))).to.deep.equal(["_SUCCESS", "part-00000.csv"]);
    expect(await readFile(join(directory.path("none"), "part-00000.csv"), "utf8")).to.equal("id,day,price\n");
    await writeAll([trips(0, 0)], csvWriter(directory.path("few"), { partitionBy: ["day"] }));
    expect(await filesOf(directory.path("few"))).to.deep.equal(["_SUCCESS"]);
  });

  it("ends a file by its bytes", async () => {
    const batches = Array.from({ length: 6 }, (_, index) => trips(index * 1000, 1000));
    await writeAll(batches, csvWriter(target(), { maxBytesPerFile: 20_000 }));
    const sizes = Object.values(await texts()).map(({ length }) => length);
    expect(sizes.length).to.be.within(3, 6);
    for (const size of sizes.slice(0, -1)) expect(size).to.be.within(20_000, 40_000);
    await writeAll(
      batches,
      parquetWriter(directory.path("p"), { maxBytesPerFile: 8_000, compression: "uncompressed" }),
    );
    expect((await filesOf(directory.path("p"))).length).to.be.above(3);
  });

  it("closes the file that was written to longest ago, and begins another one for later rows", async () => {
    const rows = 100_000;
    async function* many() {
      for (let batch = 0; batch < 50; batch++) yield trips(batch * rows, rows);
    }
    const options = { partitionBy: ["day"], maxOpenFiles: 2, header: false };
    await pipeline(Readable.from(many()), csvWriter(target(), options));
    const found = await texts();
    expect(Object.keys(found)).to.include.members(["day=d0/part-00000.csv", "day=d0/part-00001.csv"]);
    const ids = Object.values(found).flatMap((text) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => Number.parseInt(line, 10)),
    );
    expect(new Set(ids).size).to.equal(50 * rows);
    for (const [name, text] of Object.entries(found)) {
      const own = text
        .trimEnd()
        .split("\n")
        .map((line) => Number.parseInt(line, 10));
      expect(
        own.every((id, index) => id % 3 === Number(name[5]) && (index === 0 || id > own[index - 1]!)),
        name,
      ).to.equal(true);
    }
  });

  it("is read by pyarrow and DuckDB with its partitions, from every format", async () => {
    const batches = Array.from({ length: 20 }, (_, index) => trips(index * 5_000, 5_000, (id) => (id * 7919) % 50));
    const options = { partitionBy: ["day"], maxOpenFiles: 16 };
    const writers = { parquet: parquetWriter, csv: csvWriter, ndjson: ndjsonWriter, arrow: arrowWriter };
    for (const [name, writer] of Object.entries(writers))
      await writeAll(batches, writer(directory.path(name), options));
    const script = `
import json, sys, duckdb, pyarrow as pa, pyarrow.csv, pyarrow.dataset as ds
root = sys.argv[1]
found = {}
numbers = pa.csv.ConvertOptions(column_types={"price": pa.float64()})
for kind, format in (("parquet", "parquet"), ("csv", ds.CsvFileFormat(convert_options=numbers)), ("arrow", "arrow")):
    table = ds.dataset(f"{root}/{kind}", format=format, partitioning="hive").to_table()
    found[kind] = [table.num_rows, sum(table["id"].to_pylist()), len(set(table["day"].to_pylist())),
                   all(d == f"d{(i * 7919) % 50}" for i, d in zip(table["id"].to_pylist(), table["day"].to_pylist()))]
for kind, read in (("parquet", "read_parquet"), ("ndjson", "read_json")):
    rows = duckdb.sql(f"SELECT id, day FROM {read}('{root}/{kind}/*/*.{kind}', hive_partitioning = true)").fetchall()
    found["duckdb " + kind] = [len(rows), sum(r[0] for r in rows), len({r[1] for r in rows}),
                               all(d == f"d{(i * 7919) % 50}" for i, d in rows)]
print(json.dumps(found))`;
    const expected = [100_000, (100_000 * 99_999) / 2, 50, true];
    const found = (await runPython(script, [directory.path("")])) as Record<string, unknown>;
    expect(Object.keys(found)).to.have.length(5);
    for (const [kind, values] of Object.entries(found)) expect(values, kind).to.deep.equal(expected);
  });

  it("replaces a folder only if it is told so, and leaves the old one if it fails", async () => {
    await writeAll([trips(0, 3)], csvWriter(target(), { partitionBy: ["day"] }));
    const before = await texts();
    const refused = await failure(
      writeAll([trips(0, 3)], csvWriter(target(), { partitionBy: ["day"] })),
      "WRITE_FAILED",
    );
    expect(refused.message).to.include("overwrite");
    async function* failing(): AsyncGenerator<RecordBatch> {
      yield trips(100, 3);
      throw new Error("the source has failed");
    }
    const writer = csvWriter(target(), { partitionBy: ["day"], mode: "overwrite" });
    await pipeline(Readable.from(failing()), writer).then(
      () => expect.fail("it should fail"),
      (error) => expect(error.message).to.equal("the source has failed"),
    );
    if (!writer.closed) await new Promise((resolve) => writer.once("close", resolve));
    expect(await texts()).to.deep.equal(before);
    expect(await directory.files()).to.deep.equal(["out"]);
    await writeAll([trips(9, 1)], csvWriter(target(), { maxRowsPerFile: 9, mode: "overwrite" }));
    expect(await filesOf()).to.deep.equal(["_SUCCESS", "part-00000.csv"]);
    expect(await directory.files()).to.deep.equal(["out"]);
    await mkdir(directory.path("empty"));
    await writeAll([trips(9, 1)], csvWriter(directory.path("empty"), { maxRowsPerFile: 9 }));
    expect(await filesOf(directory.path("empty"))).to.deep.equal(["_SUCCESS", "part-00000.csv"]);
  });

  it("leaves nothing when it is destroyed midway, whatever is open", async () => {
    const writer = parquetWriter(target(), { partitionBy: ["day"] });
    await new Promise<void>((resolve, reject) =>
      writer.write(trips(0, 1000), (error) => (error ? reject(error) : resolve())),
    );
    expect((await directory.files())[0]).to.match(/^\.spark-arrow-stream-.*\.tmp$/);
    writer.destroy();
    await new Promise((resolve) => writer.once("close", resolve));
    expect(await directory.files()).to.deep.equal([]);
  });

  const bad: [string, () => Promise<unknown>, Parameters<typeof failure>[1], RegExp][] = [
    [
      "a column that is not there",
      () => writeAll([trips(0, 1)], csvWriter(target(), { partitionBy: ["dya"] })),
      "INVALID_ARGUMENT",
      /"dya" is none of id, day, price/,
    ],
    [
      "all columns",
      () => writeAll([trips(0, 1)], csvWriter(target(), { partitionBy: ["day", "id", "price"] })),
      "INVALID_ARGUMENT",
      /names all columns/,
    ],
    [
      "a column of a type without one text",
      () =>
        writeAll(
          [batchOfValues({ a: [new Int32(), [1]], t: [new TimestampMicrosecond("UTC"), [1]] })],
          csvWriter(target(), { partitionBy: ["t"] }),
        ),
      "UNSUPPORTED_TYPE",
      /`t`.*DATE/,
    ],
    [
      "more values than folders are wanted",
      () =>
        writeAll([trips(0, 100_000, (id) => id)], csvWriter(target(), { partitionBy: ["day"], maxPartitions: 100 })),
      "INVALID_ARGUMENT",
      /day have more than 100 .*maxPartitions/,
    ],
    [
      "a directory that is not there",
      () => writeAll([trips(0, 1)], csvWriter(directory.path("no/where"), { partitionBy: ["day"] })),
      "WRITE_FAILED",
      /does not exist/,
    ],
    [
      "a file in its place",
      async () => {
        await writeFile(target(), "x");
        await writeAll([trips(0, 1)], csvWriter(target(), { partitionBy: ["day"], mode: "overwrite" }));
      },
      "WRITE_FAILED",
      /is a file/,
    ],
    [
      "a name that is too long",
      () => writeAll([trips(0, 1, () => "x".repeat(300) as never)], csvWriter(target(), { partitionBy: ["day"] })),
      "WRITE_FAILED",
      /too long/,
    ],
    [
      "another schema midway",
      () =>
        writeAll(
          [trips(0, 1), batchOfValues({ id: [new Int32(), [1]] })],
          csvWriter(target(), { partitionBy: ["day"] }),
        ),
      "SCHEMA_MISMATCH",
      /day/,
    ],
  ];
  for (const [what, write, code, says] of bad) {
    it(`refuses ${what}, and leaves nothing`, async () => {
      expect((await failure(write(), code)).message).to.match(says);
      expect((await directory.files()).filter((name) => name !== "out")).to.deep.equal([]);
      if (!/a file/.test(what)) expect(await directory.files()).to.deep.equal([]);
    });
  }

  it("is no Writable's target", () => {
    expect(() => csvWriter(process.stdout, { partitionBy: ["a"] }))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
  });

  it("is compressed by the name of a file, or as the options say", async () => {
    const batches = Array.from({ length: 30 }, (_, index) => trips(index * 5_000, 5_000));
    await writeAll(batches, csvWriter(directory.path("a.csv")));
    const plain = await readFile(directory.path("a.csv"));
    expect(plain.length).to.be.above(2 * 1024 * 1024);
    await writeAll(batches, csvWriter(directory.path("a.csv.gz")));
    await writeAll(batches, csvWriter(directory.path("a.csv.zst")));
    await writeAll(batches, csvWriter(directory.path("b.csv.gz"), { compression: "none" }));
    await writeAll(batches, ndjsonWriter(directory.path("a.ndjson.gz")));
    expect(await readFile(directory.path("b.csv.gz"))).to.deep.equal(plain);
    const zipped = await readFile(directory.path("a.csv.gz"));
    expect(zipped.length).to.be.below(plain.length / 2);
    expect(gunzipSync(zipped)).to.deep.equal(plain);
    await writeAll([trips(0, 0)], csvWriter(directory.path("empty.csv.gz"), { header: false }));
    expect(gunzipSync(await readFile(directory.path("empty.csv.gz"))).length).to.equal(0);
    await writeAll(batches, csvWriter(target(), { partitionBy: ["day"], compression: "gzip" }));
    expect(await filesOf()).to.deep.equal(["_SUCCESS", ...[0, 1, 2].map((day) => `day=d${day}/part-00000.csv.gz`)]);
    const script = `
import json, sys, duckdb, pandas, polars, pyarrow.csv as c
root = sys.argv[1]
print(json.dumps({
    "pyarrow": [c.read_csv(f"{root}/a.csv.{e}").num_rows for e in ("gz", "zst")],
    "pandas": [len(pandas.read_csv(f"{root}/a.csv.gz"))],
    "polars": [polars.read_csv(f"{root}/a.csv.{e}").height for e in ("gz", "zst")],
    "duckdb": [duckdb.sql(f"SELECT count(*) FROM read_csv('{root}/a.csv.{e}')").fetchall()[0][0] for e in ("gz", "zst")]
              + [duckdb.sql(f"SELECT count(*) FROM read_json('{root}/a.ndjson.gz')").fetchall()[0][0]],
}))`;
    expect(await runPython(script, [directory.path("")])).to.deep.equal({
      pyarrow: [150_000, 150_000],
      pandas: [150_000],
      polars: [150_000, 150_000],
      duckdb: [150_000, 150_000, 150_000],
    });
  });
});
