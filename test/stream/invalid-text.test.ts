// Spark does not check that a STRING is UTF-8: CAST(X'FF' AS STRING) is one. parquetWriter() refused it, while rows(), NDJSON and
// CSV silently put U+FFFD in its place.
import { readFile } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import {
  Binary,
  Data,
  type DataType,
  DenseUnion,
  Dictionary,
  Field,
  FixedSizeList,
  Int8,
  Int32,
  LargeUtf8,
  List,
  Map_,
  makeData,
  type RecordBatch,
  RecordBatchReader,
  SparseUnion,
  Struct,
  Utf8,
  Utf8View,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { SparkStreamError } from "../../lib/errors.js";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter, rows } from "../../lib/index.js";
import { textCheck } from "../../lib/sinks/values/invalid-text.js";
import { batchOf, columnsOf, plain } from "../support/ipc.js";
import { runPython } from "../support/python.js";
import { directoryPerTest, failure, writeAll } from "../support/writers.js";

const bytesOf = (text: string) => [...Buffer.from(text)];
const BAD = [0x61, 0xff, 0xfe];

/** A column of text with these bytes; null for a null, of which the bytes are `below`. */
function text(type: Utf8 | LargeUtf8, values: readonly (number[] | null)[], below: number[] = []): Data {
  const parts = values.map((value) => value ?? below);
  const ends = parts.map((_, index) => parts.slice(0, index + 1).flat().length);
  const nullBitmap = Uint8Array.of(values.reduce((bits, value, index) => bits | (value === null ? 0 : 1 << index), 0));
  const nullCount = values.filter((value) => value === null).length;
  const data = Uint8Array.from(parts.flat());
  const shared = { length: values.length, nullCount, nullBitmap, data };
  return type instanceof LargeUtf8
    ? makeData({ ...shared, type, valueOffsets: BigInt64Array.from([0, ...ends], BigInt) })
    : makeData({ ...shared, type, valueOffsets: Int32Array.from([0, ...ends]) });
}

const column = (...values: (number[] | null)[]) => text(new Utf8(), values);
const batch = (data: Data): RecordBatch =>
  batchOf({ n: vectorFromArray(Array(data.length).fill(7)), t: new Vector([data]) });
const item = (type: DataType) => new Field("element", type, true);
const values = (checked: RecordBatch) => plain(columnsOf(checked)[1]!);

const first = batch(column(bytesOf("ok"), bytesOf("é"), bytesOf("世界")));
const second = batch(column(bytesOf("é"), null, BAD, BAD));

describe("Text that is not UTF-8", () => {
  const directory = directoryPerTest();

  const writers = { parquetWriter, arrowWriter, ndjsonWriter, csvWriter };
  for (const [name, writer] of Object.entries(writers)) {
    it(`is an error of ${name}() that names the column, the row and the bytes, and leaves no file`, async () => {
      const error = await failure(writeAll([first, second], writer(directory.path("out"))), "INVALID_INPUT");
      expect(error.message).to.contain("`t`").and.to.contain("row 5").and.to.contain("X'61fffe'");
      expect(await directory.files()).to.deep.equal([]);
    });
  }

  it("is an error of rows() as well", async () => {
    const drain = Readable.from([first, second]).compose(rows()).toArray();
    const error = await failure(drain, "INVALID_INPUT");
    expect(error.message).to.contain("`t`").and.to.contain("row 5").and.to.contain("X'61fffe'");
  });

  it('becomes U+FFFD everywhere with invalidText: "replace"', async () => {
    const options = { invalidText: "replace" } as const;
    const expected = ["ok", "é", "世界", "é", null, "a\ufffd\ufffd", "a\ufffd\ufffd"];
    const paths = ["t.parquet", "t.arrow", "t.ndjson", "t.csv"].map(directory.path);
    for (const [index, writer] of Object.values(writers).entries()) {
      await writeAll([first, second], writer(paths[index]!, options));
    }
    const script = `
import json, sys, pyarrow as pa, pyarrow.parquet, pyarrow.csv, pyarrow.json
parquet, arrow, ndjson, csv = sys.argv[1:]
convert = pa.csv.ConvertOptions(strings_can_be_null=True)
tables = [pa.parquet.read_table(parquet), pa.ipc.open_file(arrow).read_all(), pa.json.read_json(ndjson), pa.csv.read_csv(csv, convert_options=convert)]
for table in tables: table.validate(full=True)
print(json.dumps([table["t"].to_pylist() for table in tables]))`;
    expect(await runPython(script, paths)).to.deep.equal([expected, expected, expected, expected]);
    const objects = await Readable.from([first, second]).compose(rows(options)).toArray();
    expect(objects.map(({ t }) => t)).to.deep.equal(expected);
  });

  it("is a character that is cut between two values, each of which is broken", () => {
    const check = textCheck([new Field("n", new Int32()), new Field("t", new Utf8())]);
    const [lead, rest] = [bytesOf("é").slice(0, 1), bytesOf("é").slice(1)];
    expect(() => check?.(batch(column(bytesOf("x"), lead, rest)))).to.throw("in row 1,");
    expect(() => check?.(batch(column(bytesOf("xé"), bytesOf("é"), [])))).not.to.throw();
  });

  // Two of the three texts are broken; what refers to the good one alone is good.
  const texts = column(bytesOf("good"), BAD, [...BAD, 0x62]);
  const texted = new Vector([texts]);
  const list = (offsets: number[]) =>
    makeData({
      type: new List(item(new Utf8())),
      length: 2,
      nullCount: 0,
      valueOffsets: Int32Array.from(offsets),
      child: texts,
    });
  const entries = new Struct([new Field("key", new Int8(), false), new Field("value", new Utf8(), true)]);
  const struct = makeData({
    type: entries,
    length: 3,
    nullCount: 0,
    children: [vectorFromArray([1, 2, 3], new Int8()).data[0]!, texts],
  } as never) as Data;
  const ids = vectorFromArray([1, 2, 3], new Int8()).data[0]!;
  const fields = [new Field("i", new Int8(), true), new Field("t", new Utf8(), true)];
  const dictionary = new Dictionary(new Utf8(), new Int8(), 3);
  const words = (...entries: number[]) =>
    new Data(dictionary, 0, entries.length, 0, [undefined, Int8Array.from(entries)], [], texted);
  const view = vectorFromArray(["short", "a longer text than twelve"], new Utf8View()).data[0]!;
  const brokenView = Object.assign(view.clone(), { values: Uint8Array.from(view.values) });
  brokenView.values[4] = 0xff;

  const nested: Readonly<Record<string, [data: () => Data, row: number, replaced: unknown]>> = {
    "large text": [() => text(new LargeUtf8(), [bytesOf("good"), null, BAD], BAD), 2, ["good", null, "a\ufffd\ufffd"]],
    "a view": [() => brokenView, 0, ["\ufffdhort", "a longer text than twelve"]],
    "a list": [() => list([0, 1, 3]), 1, [["good"], ["a\ufffd\ufffd", "a\ufffd\ufffdb"]]],
    "a list of fixed size": [
      () => makeData({ type: new FixedSizeList(3, item(new Utf8())), length: 1, nullCount: 0, child: texts }),
      0,
      [["good", "a\ufffd\ufffd", "a\ufffd\ufffdb"]],
    ],
    "a struct": [
      () => struct,
      1,
      [
        [
          ["key", 1],
          ["value", "good"],
        ],
        [
          ["key", 2],
          ["value", "a\ufffd\ufffd"],
        ],
        [
          ["key", 3],
          ["value", "a\ufffd\ufffdb"],
        ],
      ],
    ],
    "a map": [
      () =>
        makeData({
          type: new Map_(new Field("entries", entries, false) as never),
          length: 2,
          nullCount: 0,
          valueOffsets: Int32Array.of(0, 1, 3),
          child: struct as never,
        }) as Data,
      1,
      [
        [["1", "good"]],
        [
          ["2", "a\ufffd\ufffd"],
          ["3", "a\ufffd\ufffdb"],
        ],
      ],
    ],
    "a dictionary": [() => words(0, 0, 2, 1), 2, ["good", "good", "a\ufffd\ufffdb", "a\ufffd\ufffd"]],
    "a sparse union": [
      () =>
        makeData({
          type: new SparseUnion([0, 1] as never, fields),
          length: 3,
          nullCount: 0,
          typeIds: Int8Array.of(1, 0, 1),
          children: [ids, texts],
        } as never) as Data,
      2,
      ["good", 2, "a\ufffd\ufffdb"],
    ],
    "a dense union": [
      () =>
        makeData({
          type: new DenseUnion([0, 1] as never, fields),
          length: 3,
          nullCount: 0,
          typeIds: Int8Array.of(0, 1, 1),
          valueOffsets: Int32Array.of(0, 1, 0),
          children: [ids, texts],
        } as never) as Data,
      1,
      [1, "a\ufffd\ufffd", "good"],
    ],
  };
  for (const [what, [make, row, replaced]] of Object.entries(nested)) {
    it(`is found and replaced within ${what}`, () => {
      const of = batch(make());
      const { fields } = of.schema;
      expect(() => textCheck(fields)?.(of)).to.throw(`in row ${row},`);
      expect(values(textCheck(fields, "replace")!(of))).to.deep.equal(replaced);
      // In a slice, rows before it do not count.
      const slice = of.slice(row, row + 1);
      expect(() => textCheck(fields)?.(slice)).to.throw("in row 0,");
      expect(values(textCheck(fields, "replace")!(slice))).to.deep.equal((replaced as unknown[]).slice(row, row + 1));
    });
  }

  it("is nobody's business below a null, or where nothing refers to it", () => {
    const below: Record<string, Data> = {
      null: text(new Utf8(), [bytesOf("ok"), null], BAD),
      slice: texts.slice(0, 1),
      dictionary: words(0),
      list: makeData({
        type: new List(item(new Utf8())),
        length: 2,
        nullCount: 1,
        nullBitmap: Uint8Array.of(1),
        valueOffsets: Int32Array.of(0, 1, 3),
        child: texts,
      }),
      union: makeData({
        type: new SparseUnion([0, 1] as never, fields),
        length: 3,
        nullCount: 0,
        typeIds: Int8Array.of(1, 0, 0),
        children: [ids, texts],
      } as never) as Data,
    };
    for (const [what, data] of Object.entries(below)) {
      const of = batch(data);
      expect(textCheck(of.schema.fields)!(of), what).to.equal(of);
    }
  });

  // One of two values would be lost.
  it('is an error with "replace" if two keys of a map become the same', () => {
    const pair: Field[] = [new Field("key", new Utf8(), false), fields[0]!];
    const type = new Map_(new Field("entries", new Struct(pair), false) as never);
    const map = (...keys: number[][]) => {
      const ids = vectorFromArray(
        keys.map((_, index) => index),
        new Int8(),
      ).data[0]!;
      const children = [column(...keys), ids];
      const child = makeData({ type: type.children[0]!.type, length: keys.length, nullCount: 0, children } as never);
      const valueOffsets = Int32Array.of(0, 1, keys.length);
      return batch(makeData({ type, length: 2, nullCount: 0, valueOffsets, child } as never));
    };
    const check = textCheck([new Field("n", new Int32()), new Field("t", type)], "replace")!;
    expect(() => check(map([0xff], [0xff], [0xfe]))).to.throw(SparkStreamError, /two keys/);
    expect(() => check(map([0xff], [0xfe], bytesOf("\ufffdb")))).not.to.throw();
  });

  it("is an error within a variant, or becomes U+FFFD", async () => {
    const metadata = new Map([["variant", "true"]]);
    const type = new Struct([
      new Field("value", new Utf8(), false),
      new Field("metadata", new Utf8(), false, metadata),
    ]);
    // A short string of two bytes, of which the second is broken.
    const bytes = [
      [(2 << 2) | 1, 0x61, 0xff],
      [1, 0, 0],
    ].map((value) => text(new Utf8(), [value]));
    const children = bytes.map((data) => data.clone(new Binary() as never));
    const variant = makeData({ type, length: 1, nullCount: 0, children } as never) as Data;
    const fieldsOfBinary = type.children.map((field) => field.clone({ type: new Binary() }));
    const of = batch(Object.assign(variant.clone(), { type: new Struct(fieldsOfBinary) }));
    const error = await failure(Readable.from([of]).compose(rows()).toArray(), "INVALID_INPUT");
    expect(error.message).to.contain("`t`").and.to.contain("row 0").and.to.contain("UTF-8");
    const [row] = await Readable.from([of])
      .compose(rows({ invalidText: "replace" }))
      .toArray();
    expect(row.t).to.equal('"a\ufffd"');
    const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
    await failure(writeAll([of], ndjsonWriter(sink())), "INVALID_INPUT");
    await failure(writeAll([of], csvWriter(sink())), "INVALID_INPUT");
    await writeAll([of], csvWriter(sink(), { invalidText: "replace" }));
    await writeAll([of], ndjsonWriter(sink(), { invalidText: "replace" }));
  });

  // Pieces of one string: those of a row whose end is before its begin were taken from the wrong place.
  it("is not what a column with offsets that go backwards has: that is broken, and an error of its own", async () => {
    for (const data of [column(bytesOf("abc"), bytesOf("de"), bytesOf("f")), column(bytesOf("äbc"), bytesOf("de"))]) {
      const broken = Object.assign(data.clone(), { valueOffsets: Int32Array.from(data.valueOffsets) });
      broken.valueOffsets[1] = data.valueOffsets[2]! + 1;
      const error = await failure(
        Readable.from([batch(broken)])
          .compose(rows())
          .toArray(),
        "INVALID_INPUT",
      );
      expect(error.message).to.contain("`t`").and.to.contain("backwards");
    }
  });

  it("does not copy batches of valid text", async () => {
    for (const mode of ["error", "replace"] as const)
      expect(textCheck(first.schema.fields, mode)!(first)).to.equal(first);
    await writeAll([first], arrowWriter(directory.path("t.arrow")));
    const [read] = RecordBatchReader.from(await readFile(directory.path("t.arrow")));
    expect(values(read!)).to.deep.equal(["ok", "é", "世界"]);
  });

  it("has no other option, at the call", () => {
    for (const make of [
      ...Object.values(writers).map((writer) => (o: never) => writer("x", o)),
      (o: never) => rows(o),
    ]) {
      expect(() => make({ invalidText: "ignore" } as never))
        .to.throw("invalidText")
        .with.property("code", "INVALID_ARGUMENT");
    }
  });
});
