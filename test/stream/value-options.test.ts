// The options of values have the same names and meanings in rows(), NDJSON and CSV.
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { Binary, Decimal, Field, Int64, List, TimestampMicrosecond, TimestampMillisecond } from "apache-arrow";
import { expect } from "chai";
import {
  csvLines,
  csvWriter,
  ndjsonLines,
  ndjsonWriter,
  type RowsOptions,
  rows,
  type TextValueOptions,
} from "../../lib/index.js";
import { batchOfValues } from "../support/writers.js";

const ms = 1_782_815_696_123;
const micros = 1000n * BigInt(ms);
const batch = batchOfValues({
  b: [new Binary(), [Uint8Array.of(0, 255, 62), new Uint8Array(0), null]],
  d: [
    new Decimal(2, 20),
    [150n, -5n, null].map((n) => n && new Uint32Array(new BigInt64Array([n, n < 0n ? -1n : 0n]).buffer)),
  ],
  i: [new Int64(), [7n, 2n ** 60n, null]],
  t: [new TimestampMicrosecond("UTC"), [ms, -1, null]],
  u: [new TimestampMillisecond(), [1_782_815_696_123, 0, null]],
  l: [new List(new Field("element", new Binary())), [[Uint8Array.of(1)], [], null]],
});
const flat = batchOfValues({
  b: [new Binary(), [Uint8Array.of(0, 255, 62), new Uint8Array(0), null]],
  t: [new TimestampMicrosecond("UTC"), [ms, -1, null]],
});

const ndjson = async (options: TextValueOptions) =>
  (await text(Readable.from([batch]).pipe(ndjsonLines(options)))).trim().split("\n");
const csv = async (options: TextValueOptions) =>
  (await text(Readable.from([flat]).pipe(csvLines(options)))).trim().split("\n");
const objects = (options: RowsOptions) => Readable.from([batch]).pipe(rows(options)).toArray();

const all: TextValueOptions[] = [undefined, "string", "number"].flatMap((decimals) =>
  [undefined, "auto", "number", "string"].flatMap((integers) =>
    [undefined, "string", "bigint"].flatMap((timestamps) =>
      [undefined, "base64", "hex"].map(
        (binary) =>
          Object.fromEntries(
            Object.entries({ decimals, integers, timestamps, binary }).filter(([, value]) => value !== undefined),
          ) as TextValueOptions,
      ),
    ),
  ),
);

describe("Options of values", () => {
  it("make rows with json: true what NDJSON has, whichever are chosen", async () => {
    expect(all).to.have.length(108);
    for (const options of all) {
      const expected = (await ndjson(options)).map((line) => JSON.parse(line));
      expect(await objects({ ...options, json: true }), JSON.stringify(options)).to.deep.equal(expected);
    }
  });

  it("are these in NDJSON", async () => {
    expect((await ndjson({}))[0]).to.equal(
      `{"b":"AP8+","d":"1.50","i":7,"t":"2026-06-30T10:34:56.123000Z","u":"2026-06-30T10:34:56.123","l":["AQ=="]}`,
    );
    expect((await ndjson({ binary: "hex", decimals: "number", timestamps: "bigint" }))[0]).to.equal(
      `{"b":"00ff3e","d":1.50,"i":7,"t":${micros},"u":1782815696123,"l":["01"]}`,
    );
    expect((await ndjson({ binary: "hex", integers: "string", timestamps: "bigint" }))[1]).to.equal(
      `{"b":"","d":"-0.05","i":"1152921504606846976","t":"-1000","u":"0","l":[]}`,
    );
  });

  it("are these in CSV, where decimals and integers are digits in any case", async () => {
    expect(await csv({})).to.deep.equal([
      "b,t",
      "AP8+,2026-06-30T10:34:56.123000Z",
      '"",1969-12-31T23:59:59.999000Z',
      ",",
    ]);
    expect(await csv({ binary: "hex", timestamps: "bigint" })).to.deep.equal([
      "b,t",
      `00ff3e,${micros}`,
      '"",-1000',
      ",",
    ]);
    for (const options of all) {
      const { decimals: _, integers: __, ...others } = options;
      expect(await csv(options)).to.deep.equal(await csv(others));
    }
  });

  it("are these in rows", async () => {
    const [first] = await objects({ binary: "hex", timestamps: "bigint", decimals: "number" });
    expect(first).to.deep.equal({ b: "00ff3e", d: 1.5, i: 7n, t: micros, u: 1_782_815_696_123n, l: ["01"] });
    expect((await objects({ binary: "bytes" }))[0].b).to.deep.equal(Uint8Array.of(0, 255, 62));
    expect((await objects({ binary: "base64" }))[0].b).to.equal("AP8+");
  });

  it("are refused where they have no meaning", () => {
    for (const options of [
      { json: true, timestamps: "date" },
      { json: true, binary: "bytes" },
      { integers: "auto" },
    ] as const) {
      expect(() => rows(options))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
    }
    for (const writer of [csvWriter, ndjsonWriter]) {
      expect(() => writer("x", { timestamps: "date" as never }))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
      expect(() => writer("x", { binary: "bytes" as never }))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
    }
  });
});
