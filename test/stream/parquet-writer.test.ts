import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { setImmediate, setTimeout } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import {
  Binary,
  Bool,
  type DataType,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  Float64,
  Int32,
  Int64,
  IntervalMonthDayNano,
  IntervalYearMonth,
  List,
  Map_,
  makeData,
  RecordBatch,
  RecordBatchReader,
  Schema,
  Struct,
  TimestampSecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { SparkStreamError } from "../../lib/errors.js";
import { type ParquetWriterOptions, parquetWriter } from "../../lib/sinks/parquet-writer.js";
import { runPython } from "../support/python.js";
import { still, turns, until } from "../support/until.js";
import { batchOfValues, failure } from "../support/writers.js";

let directory: string;
let file: string;

const python = (name: string) => readFileSync(new URL(`../support/arrow/${name}.py`, import.meta.url), "utf8");

/** Python's view of a Parquet file: `expression` over `f` (pyarrow's ParquetFile), which must be JSON. */
const look = (path: string, expression: string) =>
  runPython(
    `import json, sys, pyarrow.parquet as pq\nf = pq.ParquetFile(sys.argv[1])\nprint(json.dumps(${expression}))`,
    [path],
  );

const write = (batches: Iterable<unknown>, target: string | URL | Writable, options?: ParquetWriterOptions) =>
  pipeline(Readable.from(batches), parquetWriter(target, options));

function batchOf(columns: { readonly [name: string]: readonly unknown[] }, type: DataType = new Int32()): RecordBatch {
  const names = Object.keys(columns);
  const fields = names.map((name) => new Field(name, type, true));
  const children = names.map((name) => vectorFromArray(columns[name]!, type).data[0]!);
  const data = makeData({ type: new Struct(fields), length: children[0]?.length ?? 0, nullCount: 0, children });
  return new RecordBatch(new Schema(fields), data);
}

function emptyBatch(...fields: Field[]): RecordBatch {
  return new RecordBatch(new Schema(fields), undefined);
}

const int = new Int32();
const ints = (...values: (number | null)[]) => batchOf({ a: values }, int);

const leftBehind = () => readdir(directory);

describe("parquetWriter", () => {
  const rejections: unknown[] = [];
  const noteRejection = (reason: unknown) => rejections.push(reason);
  before(() => process.on("unhandledRejection", noteRejection));
  after(() => process.off("unhandledRejection", noteRejection));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "parquet-writer-"));
    file = join(directory, "out.parquet");
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
    expect(rejections.splice(0), "unhandled rejections").to.deep.equal([]);
  });

  describe("What it writes", () => {
    async function roundTrip(names: readonly string[], cut: (batches: RecordBatch[]) => RecordBatch[], rows?: number) {
      const paths: string[] = [];
      for (const name of names) {
        const source = join(directory, `${name}.arrow`);
        const target = join(directory, `${name}.parquet`);
        const batches = cut([...RecordBatchReader.from(await readFile(source))] as RecordBatch[]);
        await write(batches, target, rows === undefined ? {} : { rowGroupRows: rows });
        paths.push(source, target);
      }
      return runPython(python("compare_files"), paths);
    }

    const whole = (batches: RecordBatch[]) => batches;
    /** At rows that are no multiple of 8, so that bitmaps have offsets; a slice of a slice; some of no rows. */
    const sliced = (batches: RecordBatch[]) =>
      batches.flatMap((batch) => {
        const tail = batch.slice(Math.min(3, batch.numRows));
        return [batch.slice(0, 3), tail.slice(0, 2), tail.slice(2, 2), tail.slice(2)];
      });

    it("has every type that Spark sends with its type, nullability, metadata and exact values, for pyarrow", async () => {
      const names = (await runPython(python("spark_types"), [directory])) as string[];
      expect(names).to.have.length.above(150);
      expect(await roundTrip(names, whole)).to.deep.equal([]);
      expect(await roundTrip(names, sliced, 2)).to.deep.equal([]);
    });

    for (const seed of [1, 2, 3]) {
      it(`has random nested data with exact values, sliced and over several row groups (seed ${seed})`, async () => {
        const names = (await runPython(python("random_tables"), [directory, `${seed}`, "40"])) as string[];
        expect(await roundTrip(names, whole)).to.deep.equal([]);
        expect(await roundTrip(names, sliced, 10)).to.deep.equal([]);
      });
    }

    it("has the values of batches that were made one by one, whose dictionaries have other ids", async () => {
      const words = (...values: string[]) => batchOfValues({ d: [new Dictionary(new Utf8(), new Int32()), values] });
      await write([words("a", "b", "a"), words("x", "y")], file);
      expect(await look(file, "f.read().to_pydict()")).to.deep.equal({ d: ["a", "b", "a", "x", "y"] });
    });

    it("has the values of dictionaries that grow and change from batch to batch", async () => {
      const script = `
import json, sys, pyarrow as pa
schema = pa.schema([("d", pa.dictionary(pa.int32(), pa.string()))])
for name, deltas in (("deltas", True), ("replaced", False)):
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    with pa.ipc.new_stream(f"{sys.argv[1]}/{name}.arrow", schema, options=options) as writer:
        for words in (["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"] if deltas else ["x", "y", "z"]):
            column = pa.DictionaryArray.from_arrays(pa.array([0, None, len(words) - 1], pa.int32()), words)
            writer.write_batch(pa.record_batch([column], schema=schema))
print(json.dumps(["deltas", "replaced"]))`;
      const names = (await runPython(script, [directory])) as string[];
      expect(await roundTrip(names, whole)).to.deep.equal([]);
      expect(await roundTrip(names, sliced, 2)).to.deep.equal([]);
    });

    it("has two columns of one name, of different types, as they came", async () => {
      // apache-arrow's RecordBatch gives the first such column the type of the second, in its schema.
      const script = `
import json, sys, pyarrow as pa
table = pa.table([pa.array([1, None]), pa.array(["x", "y"])], names=["a", "a"])
with pa.ipc.new_stream(f"{sys.argv[1]}/twins.arrow", table.schema) as writer:
    writer.write_table(table)
print("[]")`;
      await runPython(script, [directory]);
      expect(await roundTrip(["twins"], whole)).to.deep.equal([]);
    });

    it("has 200 columns in their order", async () => {
      const columns = Object.fromEntries(
        Array.from({ length: 200 }, (_, index) => [`c${index}`, [index, null, index - 100]]),
      );
      await write([batchOf(columns), batchOf(columns)], file, { rowGroupRows: 4 });
      expect(await look(file, "f.read().to_pydict()")).to.deep.equal(
        Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, [...values, ...values]])),
      );
    });

    it("has the rows of a stream without columns", async () => {
      const data = makeData({ type: new Struct([]), length: 3, nullCount: 0, children: [] });
      await write([new RecordBatch(new Schema([]), data)], file);
      expect(await look(file, "[f.metadata.num_rows, f.read().num_rows, f.read().num_columns]")).to.deep.equal([
        3, 3, 0,
      ]);
    });

    it("has a cell of 100 MB", async () => {
      const bytes = new Uint8Array(100e6);
      for (let index = 0; index < bytes.length; index += 999) bytes[index] = index;
      const data = makeData({
        type: new Binary(),
        length: 1,
        valueOffsets: new Int32Array([0, bytes.length]),
        data: bytes,
      });
      const fields = [new Field("a", new Binary(), true)];
      const rows = makeData({ type: new Struct(fields), length: 1, nullCount: 0, children: [data] });
      await write([new RecordBatch(new Schema(fields), rows)], file, { compression: "snappy" });
      await writeFile(join(directory, "cell"), bytes);
      expect(
        await look(file, 'f.read().column("a")[0].as_py() == open(sys.argv[1][:-11] + "cell", "rb").read()'),
      ).to.equal(true);
    });

    it("has the schema and no rows, where the batches have none", async () => {
      await write([ints(), ints()], file);
      expect(await look(file, "[f.metadata.num_rows, f.metadata.num_row_groups, str(f.schema_arrow)]")).to.deep.equal([
        0,
        0,
        "a: int32",
      ]);
    });

    it("has row groups of rowGroupRows, whatever the batches' sizes", async () => {
      await write([ints(1, 2, 3, 4, 5, 6, 7), ints(), ints(8), ints(9, 10, 11, 12)], file, { rowGroupRows: 5 });
      expect(
        await look(file, "[f.read_row_group(i).column(0).to_pylist() for i in range(f.num_row_groups)]"),
      ).to.deep.equal([
        [1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10],
        [11, 12],
      ]);
    });

    it("has row groups of about 64 MiB of Arrow data by default, of small batches or of a large one", async () => {
      const batch = (rows: number) => {
        const fields = [new Field("a", new Float64(), true)];
        const data = makeData({
          type: new Float64(),
          length: rows * 10,
          nullCount: 0,
          data: new Float64Array(rows * 10),
        });
        const list = makeData({
          type: new List(fields[0]!),
          length: rows,
          nullCount: 0,
          valueOffsets: Int32Array.from({ length: rows + 1 }, (_, index) => 10 * index),
          child: data,
        });
        const columns = [new Field("l", list.type, true)];
        const children = [list];
        return new RecordBatch(
          new Schema(columns),
          makeData({ type: new Struct(columns), length: rows, nullCount: 0, children }),
        );
      };
      const rows = 2_000_000; // of 84 bytes: 160 MiB
      const groups = "[f.metadata.row_group(i).num_rows for i in range(f.num_row_groups)]";
      await write([batch(rows)], file);
      const ofOne = (await look(file, groups)) as number[];
      await write(
        Array.from({ length: 20 }, () => batch(rows / 20)),
        file,
      );
      const ofMany = (await look(file, groups)) as number[];
      for (const sizes of [ofOne, ofMany]) {
        expect(sizes, `${sizes}`).to.have.length(3);
        expect(sizes.reduce((sum, size) => sum + size)).to.equal(rows);
        expect(sizes[0]! * 84).to.be.within(60 * 1024 ** 2, 75 * 1024 ** 2);
      }
    });

    it("is read by DuckDB too, and its statistics lead both readers to the right row groups", async () => {
      await write([ints(...Array.from({ length: 1000 }, (_, index) => (index % 7 ? index : null)))], file, {
        rowGroupRows: 100,
      });
      const script = `
import duckdb, json, sys, pyarrow.parquet as pq
rows = duckdb.sql(f"SELECT a FROM '{sys.argv[1]}' WHERE a BETWEEN 555 AND 560").fetchall()
print(json.dumps([[a for (a,) in rows], pq.read_table(sys.argv[1], filters=[("a", ">", 995)])["a"].to_pylist()]))`;
      expect(await runPython(script, [file])).to.deep.equal([
        [555, 556, 557, 558, 559],
        [996, 997, 998, 999],
      ]);
    });

    for (const compression of ["zstd", "snappy", "gzip", "brotli", "lz4_raw", "uncompressed"] as const) {
      it(`is compressed with ${compression} when asked to`, async () => {
        await write([ints(1, null, 3)], file, { compression });
        const codec = await look(file, "[f.metadata.row_group(0).column(0).compression, f.read().to_pydict()]");
        expect(codec).to.deep.equal([
          compression === "lz4_raw" ? "LZ4" : compression.toUpperCase(),
          { a: [1, null, 3] },
        ]);
      });
    }

    it("is compressed with zstd, has statistics, and the metadata given as an option besides the schema's", async () => {
      const fields = [new Field("a", int, true, new Map([["k", "field"]]))];
      const schema = new Schema(
        fields,
        new Map([
          ["one", "schema"],
          ["two", "schema"],
        ]),
      );
      const rows = makeData({
        type: new Struct(fields),
        length: 3,
        nullCount: 0,
        children: ints(5, null, -7).data.children,
      });
      await write([new RecordBatch(schema, rows)], file, { metadata: { two: "option", thrée: "ö\0" } });
      const seen = await look(
        file,
        `[f.metadata.row_group(0).column(0).compression, f.metadata.row_group(0).column(0).statistics.to_dict(),
        {k.decode(): v.decode() for k, v in f.metadata.metadata.items() if k != b"ARROW:schema"}]`,
      );
      expect(seen).to.have.nested.property("[0]", "ZSTD");
      expect(seen).to.have.nested.property("[1].min", -7);
      expect(seen).to.have.nested.property("[1].null_count", 1);
      expect(seen).to.have.deep.nested.property("[2]", { one: "schema", two: "option", thrée: "ö\0" });
    });

    it("is right for batches of another copy of apache-arrow, as a program has it that uses require", async () => {
      // instanceof takes them for ours, and our apache-arrow writes their types wrongly or not at all.
      const copies = [
        createRequire(import.meta.url)("apache-arrow"),
        await import(new URL("../../node_modules/apache-arrow/Arrow.node.mjs", import.meta.url).href),
      ];
      const other = copies.find((copy) => copy.Schema !== Schema) as typeof import("apache-arrow");
      await runPython(python("spark_types"), [directory]);
      const paths: string[] = [];
      for (const name of ["timestamp_us_UTC", "decimal_38_19", "struct", "map", "array_dictionary", "duration_us"]) {
        const source = join(directory, `${name}.arrow`);
        const target = join(directory, `${name}.parquet`);
        await write(other.RecordBatchReader.from(await readFile(source)) as Iterable<unknown>, target);
        paths.push(source, target);
      }
      expect(await runPython(python("compare_files"), paths)).to.deep.equal([]);
    });

    it("has several columns that share a dictionary", async () => {
      const type = new Dictionary(new Utf8(), int, 7);
      const words = vectorFromArray(["x", null, "y", "x"], type).data[0]!;
      const fields = [new Field("a", type, true), new Field("b", type, true)];
      const rows = makeData({ type: new Struct(fields), length: 4, nullCount: 0, children: [words, words] });
      await write([new RecordBatch(new Schema(fields), rows)], file);
      const values = ["x", null, "y", "x"];
      expect(await look(file, "f.read().to_pydict()")).to.deep.equal({ a: values, b: values });
    });
  });

  describe("What it refuses", () => {
    const refused: readonly [path: string, field: Field][] = [
      ["m", new Field("m", new IntervalMonthDayNano(), true)],
      ["y", new Field("y", new IntervalYearMonth(), true)],
      ["s", new Field("s", new TimestampSecond(), true)],
      ["d", new Field("d", new DateMillisecond(), true)],
      ["n", new Field("n", new Decimal(-2, 5, 128), true)],
      ["e", new Field("e", new Struct([]), true)],
      ["w", new Field("w", new Dictionary(new Struct([new Field("x", int)]), int), true)],
      [
        "a.b[].c",
        new Field(
          "a",
          new Struct([
            new Field(
              "b",
              new List(new Field("element", new Struct([new Field("c", new IntervalMonthDayNano(), true)]), true)),
              true,
            ),
          ]),
          true,
        ),
      ],
      [
        "m.value[]",
        new Field(
          "m",
          new Map_(
            new Field(
              "entries",
              new Struct<never>([
                new Field("key", new Utf8()),
                new Field("value", new List(new Field("element", new TimestampSecond(), true)), true),
              ] as never),
            ) as never,
          ),
          true,
        ),
      ],
    ];
    for (const [path, field] of refused) {
      it(`names ${path}, of type ${field.type}, which Parquet can't give back, and leaves nothing`, async () => {
        const error = await failure(write([emptyBatch(new Field("fine", int), field)], file), "UNSUPPORTED_TYPE");
        expect(error.message).to.contain(`\`${path}\``).and.to.contain("CAST");
        expect(await leftBehind()).to.deep.equal([]);
      });
    }

    const first = emptyBatch(new Field("a", int, true), new Field("s", new Struct([new Field("x", int, true)]), true));
    const others: readonly [what: string, words: string, batch: RecordBatch][] = [
      ["lacks a column", "lacks `s`", emptyBatch(new Field("a", int, true))],
      ["has one more", "`t`", emptyBatch(...first.schema.fields, new Field("t", int))],
      ["has another name", "`b` instead of `a`", emptyBatch(new Field("b", int, true), first.schema.fields[1]!)],
      ["has another type", "`a` as Int64", emptyBatch(new Field("a", new Int64(), true), first.schema.fields[1]!)],
      ["has another nullability", "`a` as not nullable", emptyBatch(new Field("a", int), first.schema.fields[1]!)],
      [
        "differs inside of a struct",
        "`s.x` as Bool",
        emptyBatch(first.schema.fields[0]!, new Field("s", new Struct([new Field("x", new Bool(), true)]), true)),
      ],
    ];
    for (const [what, words, batch] of others) {
      it(`is a batch that ${what}, of which it says so`, async () => {
        const error = await failure(write([first, batch], file), "SCHEMA_MISMATCH");
        expect(error.message).to.contain(words);
        expect(await leftBehind()).to.deep.equal([]);
      });
    }

    it("is text that is not UTF-8: it names the column", async () => {
      const fields = [new Field("text", new Utf8(), true)];
      const text = makeData({
        type: new Utf8(),
        length: 1,
        valueOffsets: new Int32Array([0, 1]),
        data: new Uint8Array([255]),
      });
      const rows = makeData({ type: new Struct(fields), length: 1, nullCount: 0, children: [text] });
      const error = await failure(write([new RecordBatch(new Schema(fields), rows)], file), "INVALID_INPUT");
      expect(error.message).to.contain("`text`").and.to.contain("UTF-8");
      expect(await leftBehind()).to.deep.equal([]);
    });

    it("is a null in a column that is not nullable", async () => {
      const fields = [new Field("a", int, false)];
      const rows = makeData({
        type: new Struct(fields),
        length: 2,
        nullCount: 0,
        children: ints(1, null).data.children,
      });
      const error = await failure(write([new RecordBatch(new Schema(fields), rows)], file), "INVALID_INPUT");
      expect(error.message).to.contain("`a`");
    });

    it("is a batch whose buffers are shorter than its rows", async () => {
      const fields = [new Field("a", int, false)];
      const short = makeData({ type: int, length: 9, nullCount: 0, data: new Int32Array(2) });
      const rows = makeData({ type: new Struct(fields), length: 9, nullCount: 0, children: [short] });
      const error = await failure(write([new RecordBatch(new Schema(fields), rows)], file), "INVALID_INPUT");
      expect(error.message).to.contain("`a`").and.to.contain("36");
    });

    for (const [what, chunk] of [
      ["a Buffer", Buffer.from("x")],
      ["a row", { a: 1 }],
      ["a string", "x"],
    ] as const) {
      it(`is ${what} in the place of a record batch`, async () => {
        await failure(write([chunk], file), "INVALID_INPUT");
        expect(await leftBehind()).to.deep.equal([]);
      });
    }

    it("is a record batch of an old copy of apache-arrow, of which it says so", async () => {
      class RecordBatch {}
      const error = await failure(write([new RecordBatch()], file), "INVALID_INPUT");
      expect(error.message).to.contain("npm ls apache-arrow");
    });

    it("is a malformed argument, at the call", () => {
      const calls: readonly (() => unknown)[] = [
        () => parquetWriter(""),
        () => parquetWriter(new URL("https://example.com/a.parquet")),
        () => parquetWriter(5 as never),
        () => parquetWriter(null as never),
        () => parquetWriter(file, { compression: "lzo" as never }),
        () => parquetWriter(file, { rowGroupRows: 0 }),
        () => parquetWriter(file, { rowGroupRows: 1.5 }),
        () => parquetWriter(file, { rowgroupRows: 5 } as never),
        () => parquetWriter(file, { metadata: { a: 1 as never } }),
        () => parquetWriter(file, { metadata: 5 as never }),
        () => parquetWriter(file, { metadata: null as never }),
        () => parquetWriter(file, { metadata: ["a"] as never }),
        () => parquetWriter(file, { metadata: new Map([["a", "b"]]) as never }),
        () => parquetWriter(file, { metadata: { "ARROW:schema": "x" } }),
      ];
      for (const call of calls) expect(call).to.throw(SparkStreamError).with.property("code", "INVALID_ARGUMENT");
    });
  });

  describe("Without any batch, it", () => {
    it("fails with INVALID_INPUT, and leaves nothing", async () => {
      const error = await failure(write([], file), "INVALID_INPUT");
      expect(error.message).to.contain("schema");
      expect(await leftBehind()).to.deep.equal([]);
    });

    for (const kind of ["schema", "promise of a schema"]) {
      it(`writes an empty file where it has a ${kind}`, async () => {
        const schema = new Schema([new Field("a", int, true)], new Map([["k", "v"]]));
        await write([], file, { schema: kind === "schema" ? schema : turns().then(() => schema) });
        expect(await look(file, "[f.metadata.num_rows, str(f.schema_arrow.field(0).type)]")).to.deep.equal([
          0,
          "int32",
        ]);
      });
    }

    it("fails with the error that its promise of a schema is rejected with", async () => {
      const boom = new Error("boom");
      const error = await write([], file, { schema: Promise.reject(boom) }).catch((reason: unknown) => reason);
      expect(error).to.equal(boom);
      expect(await leftBehind()).to.deep.equal([]);
    });

    it("takes no notice of such a promise where there are batches", async () => {
      await write([ints(1)], file, { schema: Promise.reject(new Error("boom")) });
      expect(await look(file, "f.metadata.num_rows")).to.equal(1);
    });
  });

  describe("Its file", () => {
    it("appears when it is complete; until then the one before stays as it was", async () => {
      await writeFile(file, "before");
      const writer = parquetWriter(pathToFileURL(file), { rowGroupRows: 1 });
      for (let row = 0; row < 3; row++) {
        await new Promise((resolve) => writer.write(ints(row), resolve));
        expect(await readFile(file, "utf8")).to.equal("before");
      }
      writer.end();
      await once(writer, "finish");
      expect(await look(file, "f.read().to_pydict()")).to.deep.equal({ a: [0, 1, 2] });
      expect(await leftBehind()).to.deep.equal(["out.parquet"]);
    });

    it("is hidden from readers of the directory while it is written", async () => {
      const writer = parquetWriter(file);
      await new Promise((resolve) => writer.write(ints(1), resolve));
      const names = await leftBehind();
      expect(names).to.have.length(1);
      expect(names[0]).to.match(/^\./);
      writer.destroy();
      await once(writer, "close");
    });

    it("keeps the mode of the file it replaces", async () => {
      await writeFile(file, "before");
      await chmod(file, 0o640);
      await write([ints(1)], file);
      expect((await stat(file)).mode & 0o777).to.equal(0o640);
    });

    it("is what a symbolic link points to, there or not, and the link stays", async () => {
      const real = join(directory, "real.parquet");
      await symlink("real.parquet", file);
      for (const value of [1, 2]) {
        await write([ints(value)], file);
        expect((await lstat(file)).isSymbolicLink()).to.equal(true);
        expect(await look(real, "f.read().to_pydict()")).to.deep.equal({ a: [value] });
      }
    });

    const hopeless: readonly [what: string, code: string, name: string, make: () => unknown][] = [
      ["a missing directory", "ENOENT", "missing/a.parquet", () => {}],
      ["a directory", "EISDIR", "out.parquet", () => mkdir(file)],
      ["a file as a directory", "ENOTDIR", "out.parquet/a.parquet", () => writeFile(file, "")],
      ["a circle of links", "ELOOP", "out.parquet", () => symlink(file, file)],
      ["a pipe", "EINVAL", "out.parquet", () => promisify(execFile)("mkfifo", [file])],
      ["too long a name", "ENAMETOOLONG", "n".repeat(300), () => {}],
    ];
    for (const [what, code, name, make] of hopeless) {
      it(`is refused before any data where the path is ${what} (${code})`, async () => {
        await make();
        const target = resolve(directory, name);
        const before = await leftBehind();
        const writer = parquetWriter(target);
        const error = await failure(once(writer, "never"), "WRITE_FAILED");
        expect(error.message).to.contain(target).and.to.contain(code);
        expect(error.cause).to.have.property("code", code);
        expect(await leftBehind()).to.deep.equal(before);
      });
    }

    it("is refused before any data where it, or its directory, may not be written (EACCES)", async () => {
      const locked = join(directory, "locked");
      await mkdir(locked);
      await writeFile(file, "before");
      await chmod(file, 0o444);
      await chmod(locked, 0o555);
      await chmod(directory, 0o777);
      const user = process.geteuid?.();
      if (user === 0) process.seteuid?.(65534); // root may write anything
      try {
        for (const target of [file, join(locked, "a.parquet")]) {
          const error = await failure(once(parquetWriter(target), "never"), "WRITE_FAILED");
          expect(error.message).to.contain(target).and.to.contain("EACCES");
        }
      } finally {
        if (user === 0) process.seteuid?.(0);
      }
      expect(await readFile(file, "utf8")).to.equal("before");
      expect(await leftBehind()).to.have.members(["locked", "out.parquet"]);
    });

    it("does not appear when its source fails, and neither does anything else", async () => {
      const boom = new Error("boom");
      async function* source() {
        yield ints(1, 2, 3);
        await setImmediate();
        throw boom;
      }
      const error = await pipeline(source, parquetWriter(file, { rowGroupRows: 2 })).catch((reason: unknown) => reason);
      expect(error).to.equal(boom);
      expect(await leftBehind()).to.deep.equal([]);
    });

    it("does not appear when an AbortSignal ends the writer: pipeline's, its own, or one aborted before", async () => {
      for (const way of ["pipeline", "own", "before"]) {
        const controller = new AbortController();
        const { signal } = controller;
        if (way === "before") controller.abort();
        async function* source() {
          for (let given = 0; ; given++) {
            if (given === 50) controller.abort();
            yield ints(1, 2, 3);
            await setImmediate();
          }
        }
        const done =
          way === "pipeline"
            ? pipeline(source, parquetWriter(file, { rowGroupRows: 5 }), { signal })
            : pipeline(source, parquetWriter(file, { rowGroupRows: 5, signal }));
        const error = await done.catch((reason: unknown) => reason);
        expect(error, way).to.have.property("name", "AbortError");
        expect(await leftBehind(), way).to.deep.equal([]);
      }
    });

    it("does not appear, or is complete, whenever the writer is destroyed", async () => {
      let complete = 0;
      for (let moment = 0; moment < 60; moment++) {
        const writer = parquetWriter(file, { rowGroupRows: 2 });
        writer.on("error", () => {});
        for (let row = 0; row < 5; row++) writer.write(ints(row));
        writer.end();
        await turns(moment);
        if (moment > 40) await setTimeout(moment - 40);
        if (moment === 59) await finished(writer);
        writer.destroy(moment % 2 ? new Error("boom") : undefined);
        writer.destroy();
        await finished(writer).catch(() => {});
        if (!writer.closed) await once(writer, "close");
        const names = await leftBehind();
        if (names.length > 0) {
          expect(names).to.deep.equal(["out.parquet"]);
          expect((await readFile(file)).subarray(-4).toString()).to.equal("PAR1");
          complete++;
          await rm(file);
        }
      }
      // The range of moments must reach from before the opening to after the end.
      expect(complete).to.be.within(1, 59);
    });

    it("is given up with WRITE_FAILED where the disk takes no more", async () => {
      // A limit on the size of files stands for a full disk: write() then fails with EFBIG.
      const script = `
      import { pipeline } from "node:stream/promises";
      import { Readable } from "node:stream";
      import { vectorFromArray, Float64, Table } from "apache-arrow";
      import { parquetWriter } from ${JSON.stringify(new URL("../../lib/sinks/parquet-writer.ts", import.meta.url).href)};
      const values = vectorFromArray(Array.from({ length: 50000 }, Math.random), new Float64());
      await pipeline(Readable.from(new Table({ values }).batches), parquetWriter(${JSON.stringify(file)})).catch(
        (error) => process.stdout.write(JSON.stringify(error)),
      );`;
      const program = fileURLToPath(new URL(`./full-disk-${process.pid}.mts`, import.meta.url));
      await writeFile(program, script);
      try {
        const output = await runPython(
          `import subprocess, sys
command = 'trap "" XFSZ; ulimit -f 64; exec "$0" --import tsx "$1"'
print(subprocess.run(["sh", "-c", command, *sys.argv[1:]], capture_output=True, text=True).stdout)`,
          [process.execPath, program],
        );
        expect(output).to.have.property("code", "WRITE_FAILED");
        expect(output).to.have.property("message").that.contains(file).and.contains("EFBIG");
      } finally {
        await rm(program);
      }
      expect(await leftBehind()).to.deep.equal([]);
    });
  });

  describe("On a Writable, it", () => {
    function collector(options: { delay?: boolean } = {}) {
      const chunks: Buffer[] = [];
      const target = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _encoding, callback) {
          chunks.push(chunk);
          if (options.delay) void turns(5).then(() => callback());
          else callback();
        },
      });
      return { target, bytes: () => Buffer.concat(chunks) };
    }

    it("writes the bytes of the file to it and ends it, however slow it is", async () => {
      await write([ints(1, 2, 3), ints(4)], file, { rowGroupRows: 2 });
      for (const delay of [false, true]) {
        const { target, bytes } = collector({ delay });
        await write([ints(1, 2, 3), ints(4)], target, { rowGroupRows: 2 });
        expect(target.writableFinished).to.equal(true);
        expect(bytes().equals(await readFile(file))).to.equal(true);
      }
    });

    it("destroys it with the error, before anything that looks finished", async () => {
      const boom = new Error("boom");
      const { target, bytes } = collector();
      const errors: unknown[] = [];
      target.on("error", (error) => errors.push(error));
      const source = Readable.from(
        (async function* () {
          yield ints(1, 2, 3);
          while (bytes().length < 5) await setImmediate();
          throw boom;
        })(),
      );
      await pipeline(source, parquetWriter(target, { rowGroupRows: 2 })).catch(() => {});
      if (!target.closed) await once(target, "close");
      expect(errors).to.deep.equal([boom]);
      expect(target.writableFinished).to.equal(false);
      expect(bytes().subarray(0, 4).toString()).to.equal("PAR1");
      expect(bytes().subarray(4).includes("PAR1")).to.equal(false);
    });

    it("destroys it when it is destroyed itself, without an error, and at any moment", async () => {
      for (let moment = 0; moment < 12; moment++) {
        const { target, bytes } = collector({ delay: true });
        const writer = parquetWriter(target, { rowGroupRows: 1 });
        for (let row = 0; row < 20; row++) writer.write(ints(row));
        await turns(moment);
        writer.destroy();
        await once(writer, "close");
        if (!target.closed) await once(target, "close");
        expect(target.errored).to.be.instanceOf(Error);
        expect(target.writableFinished).to.equal(false);
        expect(bytes().subarray(4).includes("PAR1")).to.equal(false);
      }
    });

    it("fails with WRITE_FAILED when it fails, at once, also while nothing is being written", async () => {
      const broken = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error("broken pipe")) });
      const error = await failure(write([ints(1)], broken, { rowGroupRows: 1 }), "WRITE_FAILED");
      expect(error.message).to.contain("broken pipe");

      const idle = new PassThrough();
      const writer = parquetWriter(idle);
      await new Promise((resolve) => writer.write(ints(1), resolve));
      idle.destroy(new Error("hung up"));
      expect((await failure(once(writer, "never"), "WRITE_FAILED")).message).to.contain("hung up");

      expect((await failure(write([ints(1)], idle), "WRITE_FAILED")).message).to.contain("hung up");
    });

    it("takes no more than a row group while it takes nothing, and goes on when it does", async () => {
      let take: (() => void) | undefined;
      const target = new Writable({
        highWaterMark: 1,
        write(_chunk, _encoding, callback) {
          take = callback;
        },
      });
      let taken = 0;
      const source = async function* () {
        for (; taken < 100; taken++) yield ints(taken);
      };
      const done = pipeline(source, parquetWriter(target, { rowGroupRows: 4 }));
      await until(() => take !== undefined, "it is given something");
      expect(await still(() => taken)).to.be.within(3, 8);
      const ended = done.then(() => true);
      for (let over = false; !over; ) {
        const taking = take;
        take = undefined;
        taking?.();
        over = await Promise.race([ended, setImmediate(false)]);
      }
      expect(taken).to.equal(100);
    });
  });

  describe("As to its cost, it", () => {
    it("lets other work run between the columns of a row group", async () => {
      const values = Array.from({ length: 50_000 }, (_, row) => (row * 7919) % 50_021);
      const batch = batchOf(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`c${index}`, values])));
      const gaps: number[] = [];
      let over = false;
      const other = (async () => {
        for (let last = performance.now(); !over; ) {
          await setImmediate();
          const now = performance.now();
          gaps.push(now - last);
          last = now;
        }
      })();
      const target = new Writable({ write: (_chunk, _encoding, callback) => callback() });
      await write([batch], target, { compression: "uncompressed" });
      over = true;
      await other;
      const work = gaps.filter((gap) => gap > 2).reduce((sum, gap) => sum + gap, 0);
      expect(Math.max(...gaps)).to.be.below(work / 3);
    });

    it("loads the package of a codec for a file with that codec, and none before", async () => {
      const program = `
      import { createRequire } from "node:module";
      import { Writable } from "node:stream";
      import { parquetWriter } from ${JSON.stringify(new URL("../../lib/sinks/parquet-writer.ts", import.meta.url).href)};
      const { cache } = createRequire(${JSON.stringify(import.meta.url)});
      const loaded = () => ["lz4-napi", "snappy", "node-zstd"].filter((name) => Object.keys(cache).some((path) => path.includes(\`/\${name}/\`)));
      const found = [loaded()];
      for (const compression of ["gzip", "snappy"]) {
        const writer = parquetWriter(new Writable(), { compression });
        writer.on("error", () => {});
        await new Promise((resolve) => writer.end().once("close", resolve));
        found.push(loaded());
      }
      console.log(JSON.stringify(found));`;
      const args = ["--import", "tsx", "--input-type=module", "-e", program];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      expect(JSON.parse(stdout)).to.deep.equal([[], [], ["snappy"]]);
    });
  });
});
