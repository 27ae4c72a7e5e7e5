import { createWriteStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import {
  type DataType,
  Dictionary,
  Field,
  Float16,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  type Timestamp,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Utf8,
  Vector,
} from "apache-arrow";
import { expect } from "chai";
import type { ErrorCode } from "../../lib/errors.js";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter, rows } from "../../lib/index.js";
import { shortestFloat16, shortestFloat32 } from "../../lib/sinks/values/float-text.js";
import { variantText } from "../../lib/sinks/values/variant-text.js";
import { batchOf } from "../support/ipc.js";
import { runPython } from "../support/python.js";
import { Random } from "../support/random.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { still, until } from "../support/until.js";
import { batchOfValues, type Columns, directoryPerTest, failure, writeAll } from "../support/writers.js";

const ints = (...values: (number | null)[]) => batchOfValues({ a: [new Int32(), values] });
const list = new List(new Field("element", new Int32(), true));

async function textOf(writer: (target: Writable) => Writable, ...columns: Columns[]): Promise<string> {
  let text = "";
  const target = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      text += chunk;
      callback();
    },
  });
  await writeAll(columns.map(batchOfValues), writer(target));
  return text;
}

const ndjson = (columns: Columns, options = {}) => textOf((target) => ndjsonWriter(target, options), columns);
const csv = (columns: Columns, options = {}) => textOf((target) => csvWriter(target, options), columns);

/** A column of these counts of the type's unit. */
function timestamps(type: Timestamp, counts: readonly (bigint | null)[]): Vector {
  const nullBitmap = Uint8Array.of(counts.reduce((bits, count, index) => bits | (count === null ? 0 : 1 << index), 0));
  const data = BigInt64Array.from(counts, (count) => count ?? 0n);
  return new Vector([makeData({ type, data, nullBitmap, nullCount: counts.filter((count) => count === null).length })]);
}

const writers = { parquetWriter, arrowWriter, ndjsonWriter, csvWriter } as const;

describe("Every writer", () => {
  const directory = directoryPerTest();

  for (const [name, writer] of Object.entries(writers)) {
    describe(name, () => {
      const bad: Readonly<Record<string, [chunks: () => unknown[], code: ErrorCode, says: RegExp]>> = {
        "rows in the place of batches": [() => [{ a: 1 }], "INVALID_INPUT", /record batches .* Object/],
        "a Buffer in the place of a batch": [() => [Buffer.from("x")], "INVALID_INPUT", /Uint8Array/],
        "a column that changes its type midway": [
          () => [ints(1), batchOfValues({ a: [new Utf8(), ["x"]] })],
          "SCHEMA_MISMATCH",
          /`a`/,
        ],
        "a column that appears midway": [
          () => [ints(1), batchOfValues({ a: [new Int32(), [1]], b: [new Int32(), [1]] })],
          "SCHEMA_MISMATCH",
          /`b`/,
        ],
        "a stream without any batch": [() => [], "INVALID_INPUT", new RegExp(name)],
      };
      for (const [what, [chunks, code, says]] of Object.entries(bad)) {
        it(`fails with ${code} for ${what}, and leaves no file`, async () => {
          const error = await failure(writeAll(chunks(), writer(directory.path("x.out"))), code);
          expect(error.message).to.match(says);
          expect(await directory.files()).to.deep.equal([]);
        });
      }

      it("fails with WRITE_FAILED for a path that cannot be written, before any batch is taken", async () => {
        let taken = 0;
        const source = Readable.from(
          (function* () {
            taken++;
            yield ints(1);
          })(),
        );
        const error = await failure(pipeline(source, writer(directory.path("missing/x"))), "WRITE_FAILED");
        expect(error.message).to.contain("missing/x").and.to.contain("ENOENT");
        expect(taken).to.be.at.most(1);
      });

      it("fails with WRITE_FAILED for a Writable on a full disk", async () => {
        // Linux has a device that is always full; elsewhere a stream stands for it.
        const full = existsSync("/dev/full")
          ? createWriteStream("/dev/full")
          : new Writable({
              write: (_chunk, _encoding, callback) => callback(Object.assign(new Error("full"), { code: "ENOSPC" })),
            });
        const error = await failure(writeAll([ints(1), ints(2)], writer(full)), "WRITE_FAILED");
        expect(error.cause).to.have.property("code", "ENOSPC");
      });

      it("leaves nothing where its source fails or it is aborted, and the file of before as it was", async () => {
        const path = directory.path("old.out");
        await writeAll([ints(1, 2)], writer(path));
        const before = await readFile(path);
        const boom = new Error("boom");
        const failing = Readable.from(
          (function* () {
            for (let index = 0; index < 5; index++) yield ints(index);
            throw boom;
          })(),
        );
        const found = await pipeline(failing, writer(path)).catch((error) => error);
        expect(found).to.equal(boom);
        const controller = new AbortController();
        const endless = Readable.from(
          (function* () {
            for (let index = 0; ; index++) {
              if (index === 5) controller.abort();
              yield ints(index);
            }
          })(),
        );
        const aborted = await pipeline(endless, writer(path, { signal: controller.signal })).catch((error) => error);
        expect(aborted).to.have.property("name", "AbortError");
        expect(await directory.files()).to.deep.equal(["old.out"]);
        expect(await readFile(path)).to.deep.equal(before);
      });

      it("takes no batch while its target takes no bytes", async () => {
        let given = 0;
        function* source() {
          for (; given < 100; given++) yield ints(given);
        }
        const stuck = new Writable({ highWaterMark: 1, write: () => {} });
        const sink = writer(stuck, name === "parquetWriter" ? ({ rowGroupRows: 1 } as never) : {});
        Readable.from(source()).pipe(sink);
        await until(() => given > 0, "it takes something");
        await still(() => given);
        expect(given).to.be.within(1, 10);
        sink.destroy();
      });

      it("refuses an unknown option, at the call", () => {
        expect(() => writer("x", { colour: 1 } as never))
          .to.throw(`Unknown option "colour" of ${name}(). Known options: `)
          .with.property("code", "INVALID_ARGUMENT");
      });
    });
  }
});

describe("ndjsonWriter", () => {
  it("writes integers as numbers where JavaScript reads them exactly, or as its option says", async () => {
    const columns: Columns = { i: [new Int64(), [1n, 2n ** 53n, -(2n ** 53n), null]] };
    expect(await ndjson(columns)).to.equal(
      '{"i":1}\n{"i":"9007199254740992"}\n{"i":"-9007199254740992"}\n{"i":null}\n',
    );
    expect(await ndjson(columns, { integers: "number" })).to.contain('{"i":9007199254740992}');
    expect(await ndjson(columns, { integers: "string" })).to.contain('{"i":"1"}');
  });

  it("escapes names and texts, keeps -0, and has no line for no row", async () => {
    expect(
      await ndjson({ 'a"\n': [new Utf8(), ['b"\n\u2028', ""]], __proto__x: [new Float64(), [-0, 1e300]] }),
    ).to.equal(`{"a\\"\\n":"b\\"\\n\u2028","__proto__x":-0}\n{"a\\"\\n":"","__proto__x":1e+300}\n`);
    expect(await ndjson({ a: [new Int32(), []] })).to.equal("");
  });

  it("refuses two columns of one name, of which readers would keep one", async () => {
    const fields = [new Field("a", new Int32(), true), new Field("a", new Utf8(), true)];
    const batch = batchOfValues({ a: [new Int32(), [1]], b: [new Utf8(), ["x"]] });
    const twins = Object.assign(batch, { data: batch.data.clone(new Struct(fields)) });
    const error = await failure(
      writeAll([twins], ndjsonWriter(new Writable({ write: (_c, _e, done) => done() }))),
      "INVALID_INPUT",
    );
    expect(error.message).to.contain("two columns `a`");
  });

  it("writes batches of any size, in pieces, which DuckDB counts", async () => {
    const values = Array.from({ length: 10_000 }, (_, index) => (index % 3 ? index : null));
    const text = await textOf(ndjsonWriter, { a: [new Int32(), values] }, { a: [new Int32(), values.slice(0, 1)] });
    expect(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).a),
    ).to.deep.equal([...values, null]);
  });
});

// Once a piece is in the file, its memory is reused. A Writable may keep what it is given.
describe("Several MB of text", () => {
  const directory = directoryPerTest();

  for (const [name, writer] of [
    ["csvWriter", csvWriter],
    ["ndjsonWriter", ndjsonWriter],
  ] as const) {
    for (const ending of ["", ".gz"]) {
      it(`are the same in a file "${ending}" and in a Writable that keeps what it is given (${name})`, async () => {
        const batches = Array.from({ length: 40 }, (_, batch) =>
          batchOfValues({
            id: [new Int32(), Array.from({ length: 2_000 }, (_, row) => 2_000 * batch + row)],
            text: [new Utf8(), Array.from({ length: 2_000 }, (_, row) => `${batch} "${row}" ${"x".repeat(row % 80)}`)],
          }),
        );
        const kept: Buffer[] = [];
        const keeper = new Writable({
          write(bytes, _encoding, callback) {
            kept.push(bytes);
            setImmediate(callback);
          },
        });
        const path = directory.path(`text${ending}`);
        await Promise.all([pipeline(batches, writer(path)), pipeline(batches, writer(keeper))]);
        const file = await readFile(path);
        const text = ending === ".gz" ? gunzipSync(file) : file;
        expect(text.length).to.be.above(4_000_000);
        expect(text.equals(Buffer.concat(kept))).to.equal(true);
      });
    }
  }
});

// FLOAT 0.1 was written as 0.10000000149011612: the digits of the double that holds it.
describe("Floats in NDJSON and CSV", () => {
  it("have the shortest digits of their type", async () => {
    const values = [0.1, 16777216, 3.4028235e38, 1e-45, -1.1754944e-38, 1 / 3, 1e10, 123456.79, 0.5, null, -0, 1e23];
    const floats = values.map((value) => value && Math.fround(value));
    const text = await ndjson({ f: [new Float32(), floats], d: [new Float64(), values] });
    const lines = text.trim().split("\n");
    expect(lines.map((line) => /"f":(.*),/.exec(line)![1])).to.deep.equal(
      "0.1,16777216,3.4028235e+38,1e-45,-1.1754944e-38,0.33333334,10000000000,123456.79,0.5,null,-0,1e+23".split(","),
    );
    expect(lines.map((line) => JSON.parse(line).d)).to.deep.equal(values);
    const cells = (
      await csv({ f: [new Float32(), [...floats.slice(0, 4), Number.NaN, Number.POSITIVE_INFINITY]] })
    ).split("\n");
    expect(cells.slice(1, -1).join()).to.equal("0.1,16777216,3.4028235e+38,1e-45,NaN,Infinity");
    const list = new List(new Field("element", new Float32(), true));
    expect(await ndjson({ l: [list, [[0.1, 0.2]]], h: [new Float16(), [0.1]] })).to.equal('{"l":[0.1,0.2],"h":0.1}\n');
  });

  it("have them within a variant, too", () => {
    const value = Buffer.from([14 << 2, 0, 0, 0, 0]);
    value.writeFloatLE(0.1, 1);
    expect(variantText(value, Uint8Array.of(1, 0, 0))).to.equal("0.1");
  });

  it("are read back to the very bits, whatever they are", () => {
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    const random = new Random(7);
    for (let count = 0; count < 200_000; count++) {
      bits[0] = random.below(2 ** 32);
      const value = float[0]!;
      const found = shortestFloat32(value);
      if (!Object.is(Math.fround(found), value)) expect.fail(`${value} became ${found}`);
      if (Number.isFinite(value) && digitsOf(found) > fewestDigits(value)) expect.fail(`${value} became ${found}`);
    }
    for (let half = 0; half < 2 ** 16; half++) {
      const value = new Vector([makeData({ type: new Float16(), data: Uint16Array.of(half) })]).get(0)!;
      const found = shortestFloat16(value);
      if (Number.isNaN(value)) continue;
      if (!Object.is(halfOf(found), value)) expect.fail(`${value} became ${found}`);
    }
  });

  const digitsOf = (value: number) => value.toExponential().replace(/e.*|\D/g, "").length;

  function fewestDigits(value: number): number {
    for (let digits = 1; ; digits++) if (Math.fround(Number(value.toPrecision(digits))) === value) return digits;
  }

  /** The float of 16 bits nearest to a number that is near one. */
  function halfOf(value: number): number {
    if (!Number.isFinite(value) || value === 0) return value;
    const gap = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
    return Math.round(value / gap) * gap;
  }
});

describe("csvWriter", () => {
  it("quotes what needs it, and tells a null from an empty string", async () => {
    expect(await csv({ 'a,"b"': [new Utf8(), ["x,y", 'say "hi"', "two\nlines", "", null, " x "]] })).to.equal(
      '"a,""b"""\n"x,y"\n"say ""hi"""\n"two\nlines"\n""\n""\n x \n',
    );
    const columns: Columns = { i: [new Int32(), [1, null]], t: [new Utf8(), ["", null]] };
    expect(await csv(columns)).to.equal('i,t\n1,""\n,\n');
    expect(await csv({ a: [new Utf8(), ["\r", "a\rb", "\r\n"]] })).to.equal('a\n"\r"\n"a\rb"\n"\r\n"\n');
  });

  it("writes the text asked for in the place of a null, and quotes a value of that text", async () => {
    const columns: Columns = {
      t: [new Utf8(), ["NULL", null, "", "NULLs"]],
      i: [new Int32(), [0, null, 1, 2]],
    };
    expect(await csv(columns, { nullText: "NULL" })).to.equal('t,i\n"NULL",0\nNULL,NULL\n"",1\nNULLs,2\n');
    expect(await csv(columns, { nullText: "0" })).to.equal('t,i\nNULL,"0"\n0,0\n"",1\nNULLs,2\n');
    expect(await csv(columns, { nullText: "" })).to.equal(await csv(columns));
    expect(await csv({ t: columns.t! }, { nullText: "NULL" })).to.equal('t\n"NULL"\nNULL\n""\nNULLs\n');
  });

  // A null was an empty line, which Spark, pandas and pyarrow skip: two of four rows were read.
  it("writes no empty line for a null in a frame of one column, which readers skip", async () => {
    const columns: Columns = { i: [new Int32(), [1, null, 3, null]] };
    expect(await csv(columns)).to.equal('i\n1\n""\n3\n""\n');
    const script = `
import io, json, sys, duckdb, pandas, polars, pyarrow.csv as c
text = sys.argv[1].encode()
open(sys.argv[2], "wb").write(text)
frames = [
    pandas.read_csv(io.BytesIO(text), dtype={"i": "Int64"})["i"].to_list(),
    c.read_csv(io.BytesIO(text))["i"].to_pylist(),
    polars.read_csv(text, schema={"i": polars.Int64})["i"].to_list(),
    [row[0] for row in duckdb.sql(f"SELECT i FROM read_csv('{sys.argv[2]}', columns = {{'i': 'BIGINT'}}, header = true)").fetchall()],
]
print(json.dumps([[None if value is pandas.NA else value for value in frame] for frame in frames]))`;
    const path = join(temporaryDirectory("csv"), "i.csv");
    const found = await runPython(script, [await csv(columns), path]);
    expect(found).to.deep.equal(Array(4).fill([1, null, 3, null]));
  });

  it("refuses record batches without columns, whose rows would be empty lines", async () => {
    const batch = new RecordBatch(
      new Schema([]),
      makeData({ type: new Struct([]), length: 3, nullCount: 0, children: [] }),
    );
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const error = await failure(writeAll([batch], csvWriter(sink)), "UNSUPPORTED_TYPE");
    expect(error.message).to.contain("no columns");
  });

  it("has another delimiter, or no header, when asked to, and the header alone where there is no row", async () => {
    const columns: Columns = { a: [new Int32(), [1]], b: [new Utf8(), ["x;y"]] };
    expect(await csv(columns, { delimiter: ";" })).to.equal('a;b\n1;"x;y"\n');
    expect(await csv(columns, { header: false })).to.equal("1,x;y\n");
    expect(await csv({ a: [new Int32(), []] })).to.equal("a\n");
  });

  it("is read by pyarrow, value by value, over several batches", async () => {
    const text = await textOf(
      csvWriter,
      { i: [new Int64(), [1n, null]], t: [new Utf8(), ["Grüße, 世界", '"']] },
      { i: [new Int64(), [-5n]], t: [new Utf8(), ["a\nb"]] },
    );
    const script = `
import io, json, sys, pyarrow.csv as c
options = c.ParseOptions(newlines_in_values=True)
print(json.dumps(c.read_csv(io.BytesIO(sys.argv[1].encode()), parse_options=options).to_pydict()))`;
    expect(await runPython(script, [text])).to.deep.equal({ i: [1, null, -5], t: ["Grüße, 世界", '"', "a\nb"] });
  });

  const nested: Readonly<Record<string, DataType>> = {
    list,
    struct: new Struct([new Field("x", new Int32(), true)]),
  };
  for (const [name, type] of Object.entries(nested)) {
    it(`refuses a ${name} by the column's name`, async () => {
      const values = name === "list" ? [[1]] : [{ x: 1 }];
      const error = await failure(csv({ ok: [new Int32(), [1]], odd: [type, values] }), "UNSUPPORTED_TYPE");
      expect(error.message).to.contain("`odd`").and.to.contain("to_json");
    });
  }

  it("refuses malformed options at the call", () => {
    const malformed = [
      { delimiter: "" },
      { delimiter: '"' },
      { header: "no" },
      { nullText: null },
      { nullText: "a,b" },
      { nullText: "a;b", delimiter: ";" },
      { nullText: '"' },
      { nullText: "a\nb" },
    ];
    for (const options of malformed) {
      expect(() => csvWriter("x", options as never))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
    }
  });
});

describe("rows()", () => {
  async function objects(options: Parameters<typeof rows>[0], ...columns: Columns[]): Promise<unknown[]> {
    return await Readable.from(columns.map(batchOfValues)).compose(rows(options)).toArray();
  }

  it("gives objects of one shape with the columns in order, over batches of any size", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => index);
    const found = await objects(
      {},
      { a: [new Int32(), many], b: [new Int32(), many] },
      { a: [new Int32(), [7]], b: [new Int32(), [8]] },
    );
    expect(found).to.deep.equal([...many.map((value) => ({ a: value, b: value })), { a: 7, b: 8 }]);
    expect(Object.keys(found[0] as object)).to.deep.equal(["a", "b"]);
  });

  it("takes any name for a column, __proto__ and code included, as a name", async () => {
    const evil = '"]: process.exit(1), ["';
    const columns = JSON.parse(`{"__proto__": 0, ${JSON.stringify(evil)}: 1, "constructor": 2}`) as Record<
      string,
      number
    >;
    const [row] = (await objects(
      {},
      Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, [new Int32(), [value]] as const])),
    )) as [object];
    expect(Object.entries(row)).to.deep.equal([
      ["__proto__", 0],
      [evil, 1],
      ["constructor", 2],
    ]);
    expect(Object.getPrototypeOf(row)).to.equal(Object.prototype);
  });

  it("gives timestamps of every unit as text, Date or bigint", async () => {
    const columns: Columns = {
      ms: [new TimestampMillisecond("UTC"), [-1, null]],
      ns: [new TimestampNanosecond(), [1, null]],
    };
    expect(await objects({}, columns)).to.deep.equal([
      { ms: "1969-12-31T23:59:59.999Z", ns: "1970-01-01T00:00:00.001000" },
      { ms: null, ns: null },
    ]);
    expect(await objects({ timestamps: "date" }, columns)).to.deep.equal([
      { ms: new Date(-1), ns: new Date(1) },
      { ms: null, ns: null },
    ]);
    expect(await objects({ timestamps: "bigint" }, columns)).to.deep.equal([
      { ms: -1n, ns: 1_000_000n },
      { ms: null, ns: null },
    ]);
  });

  it("fails with a typed error for a time beyond what a Date holds, and rounds others down to the millisecond", async () => {
    const type = new TimestampMicrosecond("UTC");
    const micros = (...values: (bigint | null)[]) => batchOf({ at: timestamps(type, values) });
    const dates = (batch: RecordBatch) =>
      Readable.from([micros(0n, null), batch])
        .compose(rows({ timestamps: "date" }))
        .toArray();
    const most = 8_640_000_000_000_000_000n;
    expect(
      (await dates(micros(most, -most, 8_639_999_999_999_999_999n, -8_639_999_999_999_999_999n))).slice(2),
    ).to.deep.equal([8.64e15, -8.64e15, 8.64e15 - 1, -8.64e15].map((ms) => ({ at: new Date(ms) })));
    for (const [index, beyond] of [most + 1000n, -most - 1n].entries()) {
      const error = await failure(dates(micros(1n, beyond)), "INVALID_INPUT");
      expect(error.message).to.contain("`at`").and.to.contain("row 3").and.to.contain('timestamps: "string"');
      expect(error.message).to.contain(["+275760-09-13T00:00:00.001000", "-271821-04-19T23:59:59.999999"][index]);
    }
    const seconds = new TimestampSecond();
    const [row] = await Readable.from([batchOf({ at: timestamps(seconds, [1009n]) })])
      .compose(rows({ timestamps: "date" }))
      .toArray();
    expect(row.at).to.deep.equal(new Date(1_009_000));
  });

  it("reads dictionaries, 16-bit floats, and lists of which a slice is given", async () => {
    const batch = batchOfValues({
      d: [new Dictionary(new Utf8(), new Int32()), ["x", null, "x", "y"]],
      f: [new Float16(), [1.5, null, -2, 0]],
      l: [list, [[1], [2, null], [], null]],
    });
    const found = await Readable.from([batch.slice(1, 4)])
      .compose(rows())
      .toArray();
    expect(found).to.deep.equal([
      { d: null, f: null, l: [2, null] },
      { d: "x", f: -2, l: [] },
      { d: "y", f: 0, l: null },
    ]);
  });

  it("fails with a typed error for what is no batch, and for a batch of another schema", async () => {
    const drain = () => new Writable({ objectMode: true, write: (_row, _encoding, done) => done() });
    await failure(pipeline(Readable.from([{ a: 1 }]), rows(), drain()), "INVALID_INPUT");
    const batches = [ints(1), batchOfValues({ a: [new Utf8(), ["x"]] })];
    await failure(pipeline(Readable.from(batches), rows(), drain()), "SCHEMA_MISMATCH");
    expect(() => rows({ decimals: "float" as never }))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
  });

  it("holds the rows of a window, and not those of a batch, before a consumer that takes none", async () => {
    const stream = Readable.from([ints(...Array.from({ length: 50_000 }, (_, index) => index)), ints(1)]).pipe(rows());
    await until(() => stream.readableLength > 0, "it has rows");
    await still(() => stream.readableLength);
    expect(stream.readableLength).to.be.within(1, 4096);
    let count = 0;
    for await (const row of stream) count += (row as { a: number }).a >= 0 ? 1 : 0;
    expect(count).to.equal(50_001);
    expect(stream).to.be.instanceOf(Transform);
  });

  it("works where code may not be generated from strings", async () => {
    const { interpreted } = await import("../../lib/sinks/values/row-builder.js");
    expect(interpreted(["a", "__proto__"])([[1], [2]])(0)).to.deep.equal(JSON.parse('{"a":1,"__proto__":2}'));
  });
});
