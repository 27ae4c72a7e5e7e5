// The encoder behind parquetWriter against three others: pyarrow, DuckDB, and parquet-wasm (Arrow's Rust library).
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  Binary,
  type Data,
  type DataType,
  Decimal,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int8,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchReader,
  Schema,
  Struct,
  Uint32,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { columnBuffers } from "../../lib/arrow/encode/column-buffers.js";
import { ColumnChunk } from "../../lib/sinks/parquet/column-chunk.js";
import { type LeafEntries, leafEntries } from "../../lib/sinks/parquet/levels.js";
import { PageMaker } from "../../lib/sinks/parquet/page-maker.js";
import { parquetSchema } from "../../lib/sinks/parquet/parquet-schema.js";
import { type ParquetWriterOptions, parquetWriter } from "../../lib/sinks/parquet-writer.js";
import { notInCheck } from "../support/check.js";
import { ipcByWasm, parquetByWasm } from "../support/parquet-wasm.js";
import { runPython } from "../support/python.js";
import { Random } from "../support/random.js";
import { arrowScript, batchOfValues, directoryPerTest, failure, writeAll } from "../support/writers.js";

const directory = directoryPerTest();

const write = (batches: Iterable<RecordBatch>, name: string, options?: ParquetWriterOptions) =>
  writeAll(batches, parquetWriter(directory.path(name), options));

/** What pyarrow says of the first column of a file's first row group. */
const footer = (name: string, expression: string) =>
  runPython(
    `import json, sys, pyarrow.parquet as pq
f = pq.ParquetFile(sys.argv[1])
c = f.metadata.row_group(0).column(0)
s = c.statistics
print(json.dumps(${expression}))`,
    [directory.path(name)],
  );

function batchOfColumn(field: Field, data: Data): RecordBatch {
  const type = new Struct([field]);
  const rows = makeData({ type, length: data.length, nullCount: 0, children: [data] });
  return new RecordBatch(new Schema([field]), rows);
}

describe("The Parquet encoder", () => {
  describe("beside others", () => {
    async function streams(seed: number): Promise<string[]> {
      const path = directory.path(".");
      return seed === 0
        ? ((await runPython(arrowScript("spark_types"), [path])) as string[])
        : ((await runPython(arrowScript("random_tables"), [path, `${seed}`, "40"])) as string[]);
    }

    for (const seed of [0, 11, 12]) {
      const what = seed === 0 ? "every type that Spark sends" : `random nested data (seed ${seed})`;
      it(`makes schema, levels and statistics of parquet-wasm, which reads it, and DuckDB too: ${what}`, async () => {
        const names = await streams(seed);
        const [oracle, read, duckdb]: string[][] = [[], [], []];
        for (const name of names) {
          const [arrow, parquet] = [directory.path(`${name}.arrow`), directory.path(`${name}.parquet`)];
          const bytes = await readFile(arrow);
          await write([...RecordBatchReader.from(bytes)] as RecordBatch[], `${name}.parquet`);
          duckdb!.push(arrow, parquet);
          const theirs = parquetByWasm(bytes);
          await writeFile(directory.path(`${name}.oracle`), theirs);
          oracle!.push(parquet, directory.path(`${name}.oracle`));
          if (!isReadByWasm(theirs)) continue;
          await writeFile(directory.path(`${name}.ours.arrows`), ipcByWasm(await readFile(parquet)));
          await writeFile(directory.path(`${name}.theirs.arrow`), ipcByWasm(theirs));
          read!.push(directory.path(`${name}.theirs.arrow`), directory.path(`${name}.ours.arrows`));
        }
        expect(read!.length).to.be.above(1.8 * names.length);
        expect(await runPython(arrowScript("compare_parquet"), oracle)).to.deep.equal([]);
        expect(await runPython(arrowScript("compare_files"), read)).to.deep.equal([]);
        const [differences, compared] = (await runPython(arrowScript("duckdb_reads"), duckdb)) as [string[], number];
        expect(differences).to.deep.equal([]);
        expect(compared).to.be.above(0.7 * names.length);
      });
    }

    /** It breaks down over dictionaries of booleans, in its own files too. */
    function isReadByWasm(parquet: Uint8Array): boolean {
      try {
        return ipcByWasm(parquet).length > 0;
      } catch {
        return false;
      }
    }

    for (const seed of [1, 2]) {
      it(`keeps 60,000 rows in batches of all sizes, over pages, dictionaries and row groups (seed ${seed})`, async () => {
        const random = new Random(seed);
        const arrow = directory.path("all.arrow");
        const rows = (await runPython(arrowScript("random_columns"), [arrow, `${seed}`])) as number;
        const pairs: string[] = [];
        const choices: ParquetWriterOptions[] = [
          {},
          { rowGroupRows: random.between(1000, rows), compression: "snappy", statistics: false },
          { rowGroupRows: random.between(1000, rows), compression: "lz4_raw", dictionary: false },
        ];
        for (const [index, options] of choices.entries()) {
          const batches = [...RecordBatchReader.from(await readFile(arrow))] as RecordBatch[];
          await write(batches, `${index}.parquet`, options);
          pairs.push(arrow, directory.path(`${index}.parquet`));
        }
        expect(await runPython(arrowScript("compare_files"), pairs)).to.deep.equal([]);
        const [differences, compared] = (await runPython(arrowScript("duckdb_reads"), pairs)) as [string[], number];
        expect([differences, compared]).to.deep.equal([[], choices.length]);
      });
    }
  });

  describe("with dictionaries", () => {
    const rows = 300_000;
    const ofNumbers = (value: (row: number) => number) =>
      batchOfValues({ a: [new Int32(), Array.from({ length: rows }, (_, row) => value(row))] });

    const cases: readonly [what: string, batch: () => RecordBatch, encodings: string[]][] = [
      ["refers to one where values repeat", () => ofNumbers((row) => row % 1000), ["PLAIN", "RLE", "RLE_DICTIONARY"]],
      ["has none where each value is another", () => ofNumbers((row) => row), ["PLAIN", "RLE"]],
      [
        "goes on without where it gets over 1 MiB, and keeps the pages before",
        () => ofNumbers((row) => (row < 25_000 ? row % 10 : row)),
        ["PLAIN", "RLE", "RLE_DICTIONARY"],
      ],
    ];
    for (const [what, batch, encodings] of cases) {
      it(`${what}`, async () => {
        const made = batch();
        await write([made.slice(0, 25_000), made.slice(25_000)], "a.parquet");
        expect(await footer("a.parquet", "[c.encodings, c.has_dictionary_page]")).to.deep.equal([
          encodings,
          encodings.length === 3,
        ]);
        const values = made.getChildAt(0)!.toArray() as Int32Array;
        const sum = values.reduce((total, value, row) => total + value * (row % 7), 0);
        const found = "sum(v * (row % 7) for row, v in enumerate(f.read()['a'].to_pylist()))";
        expect(await footer("a.parquet", `[s.min, s.max, ${found}]`)).to.deep.equal([
          0,
          Math.max(...values.slice(-1000), 999),
          sum,
        ]);
      });
    }

    it("does without when asked to", async () => {
      await write([ofNumbers(() => 1)], "a.parquet", { dictionary: false });
      expect(await footer("a.parquet", "c.encodings")).to.deep.equal(["PLAIN", "RLE"]);
    });

    it("gives up on values that all hash alike, instead of comparing each with each", async () => {
      // The upper bits of the product with this multiplier are 0 for all of them.
      const inverse = 0xe8b2f51;
      const batch = ofNumbers((row) => Math.imul(row % 4000, inverse) | 0);
      const start = process.cpuUsage();
      await write([batch], "a.parquet");
      expect(process.cpuUsage(start).user / 1000, "ms of CPU time").to.be.below(5000);
      expect(await footer("a.parquet", "c.encodings")).to.deep.equal(["PLAIN", "RLE"]);
    });
  });

  describe("with statistics", () => {
    const ranges: readonly [what: string, type: DataType, values: unknown[], expected: unknown][] = [
      ["unsigned numbers by their size", new Uint32(), [5, 0xffffffff, 7], [5, 0xffffffff]],
      ["small numbers with their sign", new Int8(), [5, -128, 127], [-128, 127]],
      ["zeros as both of them", new Float64(), [0, 0], [-0, 0]],
      ["infinities", new Float32(), [Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY], ["-inf", "inf"]],
      ["text by its bytes", new Utf8(), ["a", "é", "b", "\u{1f600}", "Z"], ["Z", "\u{1f600}"]],
    ];
    for (const [what, type, values, expected] of ranges) {
      it(`has ${what}`, async () => {
        await write([batchOfValues({ a: [type, [...values, null]] })], "a.parquet");
        const shown = "[v if not isinstance(v, float) or abs(v) < 1e300 else str(v) for v in (s.min, s.max)]";
        expect(await footer("a.parquet", `[${shown}, s.null_count]`)).to.deep.equal([expected, 1]);
        if (Object.is((expected as number[])[0], -0)) {
          expect(await footer("a.parquet", "[str(s.min), str(s.max)]")).to.deep.equal(["-0.0", "0.0"]);
        }
      });
    }

    it("has none of a column with a NaN, which readers sort in different places", async () => {
      for (const dictionary of [true, false]) {
        await write([batchOfValues({ a: [new Float64(), [1, Number.NaN, 2]] })], "a.parquet", { dictionary });
        expect(await footer("a.parquet", "[s.has_min_max, s.null_count]")).to.deep.equal([false, 0]);
      }
    });

    it("has none that are over 4 KB", async () => {
      await write([batchOfValues({ a: [new Utf8(), ["a", "b".repeat(5000)]] })], "a.parquet");
      expect(await footer("a.parquet", "[s.has_min_max, s.null_count]")).to.deep.equal([false, 0]);
    });

    it("has none at all when asked to", async () => {
      await write([batchOfValues({ a: [new Int32(), [1]] })], "a.parquet", { statistics: false });
      expect(await footer("a.parquet", "c.is_stats_set")).to.equal(false);
    });
  });

  describe("for broken data", () => {
    const utf8 = (offsets: number[], bytes: number[]) =>
      makeData({
        type: new Utf8(),
        length: offsets.length - 1,
        valueOffsets: Int32Array.from(offsets),
        data: Uint8Array.from(bytes),
      });
    const words = vectorFromArray(["x", "y"], new Utf8());
    const dictionary = new Dictionary(new Utf8(), new Int8());
    const decimal = (...parts: number[]) => Uint32Array.from(parts);
    const broken: readonly [what: string, words: string, data: () => Data][] = [
      ["whose offsets go backwards", "backwards", () => utf8([0, 2, 1, 3], [97, 97, 97])],
      [
        "whose dictionary lacks a value",
        "index 2",
        () => makeData({ type: dictionary, length: 2, data: Int8Array.of(0, 2), dictionary: words }) as Data,
      ],
      [
        "of decimals that are larger than their precision allows",
        "precision",
        () => makeData({ type: new Decimal(0, 9, 128), length: 1, data: decimal(0, 1, 0, 0) }),
      ],
      [
        "of large decimals that are larger",
        "precision",
        () => makeData({ type: new Decimal(0, 20, 128), length: 1, data: decimal(0, 0, 0, 1) }),
      ],
      [
        "of lists whose offsets go backwards",
        "backwards",
        () => {
          const child = vectorFromArray([1, 2, 3], new Int32()).data[0]!;
          const type = new List(new Field("element", new Int32(), true));
          return makeData({ type, length: 3, nullCount: 0, valueOffsets: Int32Array.of(0, 2, 1, 3), child });
        },
      ],
    ];
    for (const [what, words, data] of broken) {
      it(`names a column ${what}, and leaves nothing`, async () => {
        const made = data();
        const batch = batchOfColumn(new Field("a", made.type, true), made);
        const error = await failure(write([batch], "a.parquet"), "INVALID_INPUT");
        expect(error.message).to.contain("`a`").and.to.contain(words);
        expect(await directory.files()).to.deep.equal([]);
      });
    }
  });

  describe("as to its pages", () => {
    const [leaf] = parquetSchema([new Field("a", new Binary(), true)]).leaves;
    const options = { pageBytes: 1000, dictionaryBytes: 1000, statistics: true };
    const [node] = parquetSchema([new Field("a", new Binary(), true)]).columns;
    const entries = (values: (string | null)[]) => {
      const data = vectorFromArray(
        values.map((value) => value && Buffer.from(value)),
        new Binary(),
      ).data[0]!;
      const found: LeafEntries[] = [];
      leafEntries(node!, columnBuffers(data), (leaf) => found.push(leaf));
      return found[0]!;
    };

    it("ends one when it has its bytes, and a dictionary when it has its own", async () => {
      const chunk = new ColumnChunk(leaf!, new PageMaker(undefined), options);
      // 300 indices of 4 bytes in memory; 30 values are not over 1,000 bytes, 60 are.
      for (let part = 0; part < 3; part++)
        chunk.append(entries(Array.from({ length: 300 }, (_, row) => `${"v".repeat(20)}${row % 30}`)));
      for (let part = 0; part < 4; part++)
        chunk.append(entries(Array.from({ length: 60 }, (_, row) => `${"w".repeat(20)}${row}`)));
      const { data, dictionary, dictionaryEncoded, count } = await chunk.finish();
      expect([data.length, dictionaryEncoded, count, dictionary === undefined]).to.deep.equal([7, 3, 1140, false]);
    });

    it("begins anew with each chunk", async () => {
      const chunk = new ColumnChunk(leaf!, new PageMaker(undefined), options);
      const made = [];
      for (const value of ["x", "y"]) {
        chunk.append(entries([value, value, null, value]));
        made.push(await chunk.finish());
      }
      expect(
        made.map(({ count, statistics }) => [count, statistics!.nullCount, String(statistics!.range!.max)]),
      ).to.deep.equal([
        [4, 1, "120"],
        [4, 1, "121"],
      ]);
    });

    it("fails with WRITE_FAILED where a codec fails, and lets nobody wait", async () => {
      const pages = new PageMaker(() => Promise.reject(new Error("no room")));
      const page = pages.make("data", { 1: 1 }, [new Uint8Array(8 * 1024 * 1024)]);
      const error = await failure(page, "WRITE_FAILED");
      expect(error.message).to.contain("no room");
      await pages.room();
    });

    it("lets no more than some MiB wait for a codec", async () => {
      const waiting: (() => void)[] = [];
      const pages = new PageMaker((page) => new Promise((resolve) => waiting.push(() => resolve(page))));
      for (let page = 0; page < 5; page++) void pages.make("data", { 1: 1 }, [new Uint8Array(1024 * 1024)]);
      let roomy = false;
      const room = pages.room().then(() => {
        roomy = true;
      });
      await promisify(setImmediate)();
      expect(roomy).to.equal(false);
      waiting.pop()!();
      await room;
    });
  });

  it("takes little memory, however large the file", async () => {
    notInCheck("it writes 320 MB");
    const program = `
      import { Writable, Readable } from "node:stream";
      import { pipeline } from "node:stream/promises";
      import { Field, Float64, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
      import { parquetWriter } from ${JSON.stringify(new URL("../../lib/sinks/parquet-writer.ts", import.meta.url).href)};
      const fields = ["a", "b", "c", "d"].map((name) => new Field(name, new Float64(), true));
      function batch() {
        const children = fields.map(({ type }) => makeData({ type, length: 10000, nullCount: 0, data: Float64Array.from({ length: 10000 }, Math.random) }));
        return new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: 10000, nullCount: 0, children }));
      }
      const before = process.memoryUsage.rss(); // not maxRSS, which begins with that of the parent
      let most = 0;
      function* source() {
        for (let count = 0; count < 1000; count++) {
          most = Math.max(most, process.memoryUsage.rss());
          yield batch();
        }
      }
      const nowhere = new Writable({ write: (bytes, encoding, callback) => callback() });
      await pipeline(Readable.from(source()), parquetWriter(nowhere));
      console.log((most - before) / 2 ** 20);`;
    const options = { cwd: fileURLToPath(new URL(".", import.meta.url)) };
    const arguments_ = ["--import", "tsx", "--input-type=module", "-e", program];
    const { stdout } = await promisify(execFile)(process.execPath, arguments_, options);
    // 320 MB of numbers that no codec makes smaller: a row group of them is 64 MiB.
    expect(Number(stdout)).to.be.within(64, 190);
  }).timeout(300_000);
});
