// The text that encoders write as bytes is, byte for byte, that of csv-stringify and JSON.stringify, of all types, nasty values and options.
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Null,
  type RecordBatch,
  type Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint8,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { stringify } from "csv-stringify/sync";
import type { BatchEncoder } from "../../lib/arrow/batch-encoder.js";
import { csvEncoder } from "../../lib/sinks/text/csv-encoder.js";
import type { CsvOptions } from "../../lib/sinks/text/csv-writer.js";
import { ndjsonEncoder } from "../../lib/sinks/text/ndjson-encoder.js";
import { type CsvCell, csvFormat } from "../../lib/sinks/values/csv-format.js";
import { jsonFormat, jsonHeads, jsonObject } from "../../lib/sinks/values/json-format.js";
import { windowReader } from "../../lib/sinks/values/row-windows.js";
import type { TextValueOptions } from "../../lib/sinks/values/value-options.js";
import { Random } from "../support/random.js";

const texts = [
  ...[
    "",
    '"',
    ",",
    "a,b",
    "x\ny",
    "\r",
    "\\",
    "é日😀",
    "\u0001\t\u001f\u007f",
    "null",
    "NULL",
    "\\N",
    "0",
    "true",
    " lead",
  ],
  ...["a".repeat(100), '""'.repeat(40), "=1+1", ";", "|", "\u2028", "é"],
];
const longs = [
  0n,
  1n,
  -1n,
  2n ** 53n - 1n,
  2n ** 53n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 32n,
  -(2n ** 32n),
];
const floats = [
  ...[
    0,
    -0,
    1,
    -1.5,
    0.1,
    0.3,
    1.005,
    2.675,
    1e21,
    1e-6,
    1e-7,
    0.000001234,
    123456.789,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
  ],
  ...[
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    2 ** 51,
    2 ** 51 + 0.5,
    2 ** 52 + 0.5,
    2 ** 53,
    -(2 ** 31),
  ],
];

type Value = (random: Random) => unknown;

const double: Value = (random) => {
  const value = random.below(1_000_000_000);
  return random.pick([random.pick(floats), value, value / 100, -value / 10_000, value / 1e6, value / 7, value * 1e-9]);
};
const long: Value = (random) =>
  random.pick([random.pick(longs), BigInt(random.below(2 ** 31)) * BigInt(random.below(2 ** 30)) - 2n ** 59n]);
const text: Value = (random) => random.pick(texts);
const moment: Value = (random) => random.pick([1, 1000]) * (random.below(2 ** 31) - 2 ** 30);
const orNull = (value: Value, random: Random) => (random.below(6) === 0 ? null : value(random));
const listOf = (value: Value): Value => {
  return (random) => Array.from({ length: random.below(4) }, () => orNull(value, random));
};

const flat: Readonly<Record<string, readonly [DataType, Value]>> = {
  i8: [new Int8(), (random) => random.below(256) - 128],
  i16: [new Int16(), (random) => random.below(65_536) - 32_768],
  i32: [new Int32(), (random) => random.pick([-(2 ** 31), 2 ** 31 - 1, random.below(2 ** 31)])],
  i64: [new Int64(), long],
  u8: [new Uint8(), (random) => random.below(256)],
  u32: [new Uint32(), (random) => random.pick([2 ** 32 - 1, 2 ** 31, random.below(2 ** 31)])],
  u64: [new Uint64(), (random) => BigInt.asUintN(64, long(random) as bigint)],
  f32: [new Float32(), double],
  f64: [new Float64(), double],
  bool: [new Bool(), (random) => random.below(2) === 0],
  'te"xt': [new Utf8(), text],
  large: [new LargeUtf8(), text],
  date: [new DateDay(), (random) => new Date(1000 * (moment(random) as number))],
  utc: [new TimestampMicrosecond("UTC"), moment],
  local: [new TimestampMicrosecond(), moment],
  ms: [new TimestampMillisecond(), moment],
  time: [new TimeMicrosecond(), (random) => BigInt(random.below(2 ** 31)) * 40n],
  bytes: [new Binary(), (random) => Uint8Array.from({ length: random.below(20) }, () => random.below(256))],
  word: [new Dictionary(new Utf8(), new Int32()), text],
  nothing: [new Null(), () => null],
  price: [new Decimal(2, 20), (random) => Uint32Array.of(random.below(2 ** 31), random.pick([0, 1, 2 ** 30]), 0, 0)],
};
const item = (type: DataType) => new Field("item", type, true);
const fields = [item(new Utf8()).clone({ name: 'a"b' }), item(new Float64()).clone({ name: "n" })];
const nested: typeof flat = {
  words: [new List(item(new Utf8())), listOf(text)],
  ids: [new List(item(new Int64())), listOf(long)],
  pair: [new Struct(fields), (random) => ({ 'a"b': orNull(text, random), n: orNull(double, random) })],
  pairs: [new List(item(new Struct(fields))), listOf((random) => ({ 'a"b': text(random), n: double(random) }))],
};

function batchesOf(columns: typeof flat, rows: number, random: Random): RecordBatch[] {
  const vectors = Object.entries(columns).map(([name, [type, value]]) => {
    return [name, vectorFromArray(Array.from({ length: rows }, () => orNull(value, random)) as never, type)] as const;
  });
  const { batches } = new Table(Object.fromEntries(vectors));
  const cut = random.below(rows + 1);
  return batches.flatMap((batch) => [batch.slice(0, cut), batch.slice(cut)]);
}

function encoded(encoder: BatchEncoder, batches: readonly RecordBatch[]): string {
  const all = (pieces: unknown) => [...(pieces as Iterable<Uint8Array | undefined>)];
  const pieces = [...batches.flatMap((batch) => all(encoder.batch(batch))), ...all(encoder.finish())];
  return Buffer.concat(pieces.map((piece) => piece ?? new Uint8Array())).toString();
}

function csvText({ fields }: Schema, options: CsvOptions, batches: readonly RecordBatch[]): string {
  const { delimiter = ",", header = true, ...others } = options;
  const windows = windowReader(fields, csvFormat({ ...others, alone: fields.length === 1 }), 2048);
  const records: CsvCell[][] = header ? [fields.map(({ name }) => name)] : [];
  for (const batch of batches) {
    for (const window of windows(batch)) {
      for (let row = 0; row < (window?.rows ?? 0); row++) records.push(window!.columns.map((column) => column[row]!));
    }
  }
  const cast = { object: (cell: object) => cell as { value: string; quoted: true } };
  return stringify(records, { delimiter, quoted_match: /^$/, cast });
}

function jsonText({ fields }: Schema, options: TextValueOptions, batches: readonly RecordBatch[]): string {
  const windows = windowReader(fields, jsonFormat(options), 2048);
  const heads = jsonHeads(fields.map(({ name }) => name));
  let lines = "";
  for (const batch of batches) {
    for (const window of windows(batch)) {
      for (let row = 0; row < (window?.rows ?? 0); row++) lines += `${jsonObject(heads, window!.columns, row)}\n`;
    }
  }
  return lines;
}

/** Some of the columns, at least one. */
function some(columns: typeof flat, random: Random): typeof flat {
  const names = Object.keys(columns);
  const chosen = names.filter(() => random.below(3) === 0);
  return Object.fromEntries((chosen.length > 0 ? chosen : [random.pick(names)]).map((name) => [name, columns[name]!]));
}

describe("Text that is written as bytes", function () {
  this.timeout(60_000);

  const values = (random: Random) => ({
    timestamps: random.pick(["string", "bigint"] as const),
    binary: random.pick(["base64", "hex"] as const),
  });

  it("is that of JSON.stringify", () => {
    for (let seed = 0; seed < 80; seed++) {
      const random = new Random(seed);
      const options: TextValueOptions = {
        ...values(random),
        decimals: random.pick(["string", "number"] as const),
        integers: random.pick(["auto", "number", "string"] as const),
      };
      const batches = batchesOf(some({ ...flat, ...nested }, random), random.pick([1, 7, 100, 2_500]), random);
      const { schema } = batches[0]!;
      const found = encoded(ndjsonEncoder(schema, options), batches);
      expect(found, `seed ${seed}`).to.equal(jsonText(schema, options, batches));
      if (seed % 8 === 0) for (const line of found.trimEnd().split("\n")) JSON.parse(line);
    }
  });

  it("is that of csv-stringify", () => {
    for (let seed = 0; seed < 80; seed++) {
      const random = new Random(seed);
      const delimiter = random.pick([",", ";", "\t", "|", " ", ".", "-", "1", "e", "é", "]", "^", "\\"]);
      const nullText = random.pick([undefined, "", "\\N", "NULL", "0", "true", "NaN", "é", "null"]);
      const options: CsvOptions = {
        ...values(random),
        delimiter,
        header: random.below(4) > 0,
        ...(nullText !== undefined && !nullText.includes(delimiter) && { nullText }),
      };
      const batches = batchesOf(some(flat, random), random.pick([1, 7, 100, 2_500]), random);
      const { schema } = batches[0]!;
      const found = encoded(csvEncoder(schema, options), batches);
      expect(found, `seed ${seed}`).to.equal(csvText(schema, options, batches));
    }
  });

  it("goes on after a cell of several megabytes, within small memory", () => {
    const long = 'a"b'.repeat(2_000_000);
    const batch = new Table({
      text: vectorFromArray([long, "x"], new Utf8()),
      id: vectorFromArray([1, 2], new Int32()),
    }).batches[0]!;
    expect(encoded(ndjsonEncoder(batch.schema, {}), [batch, batch])).to.equal(
      `${JSON.stringify({ text: long, id: 1 })}\n{"text":"x","id":2}\n`.repeat(2),
    );
    expect(encoded(csvEncoder(batch.schema, { header: false }), [batch])).to.equal(
      `"${long.replaceAll('"', '""')}",1\nx,2\n`,
    );
  });
});
