// What createDataFrame() makes of its input before a server sees it.
import { crc32 } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import {
  Binary,
  Bool,
  Data,
  type DataType,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationSecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Int8,
  Int32,
  Interval,
  IntervalUnit,
  List,
  makeData,
  makeVector,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimeMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  tableFromArrays,
  tableFromIPC,
  Uint8,
  Uint64,
  Union,
  UnionMode,
  Utf8,
  Utf8View,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { LocalRelationSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { ArrowRows } from "../../lib/connect/local-data/arrow-rows.js";
import { inferredFields, ObjectRows } from "../../lib/connect/local-data/object-rows.js";
import { portions } from "../../lib/connect/local-data/portions.js";
import { estimatedBytes, rowsPacked } from "../../lib/connect/local-data/size-estimate.js";
import { sparkSchema } from "../../lib/connect/local-data/spark-schema.js";
import { daysOf, durationOf, microsOf, monthsOf, unscaledOf } from "../../lib/connect/local-data/value-text.js";
import { artifactRequests } from "../../lib/connect/rpc/artifact.js";
import { SparkStreamError, sparkStream } from "../../lib/index.js";
import { errorOf, idBatches, scripted } from "../support/scripted.js";
import { cpuTime, observed } from "../support/turns.js";

const MIB = 1024 * 1024;

/** The column as it is sent: its type, and its values. */
async function sent(type: DataType, data: Data): Promise<[type: string, values: unknown[]]> {
  const field = new Field("c", type, true);
  const batch = new RecordBatch(
    new Schema([field]),
    makeData({ type: new Struct([field]), length: data.length, nullCount: 0, children: [data] }),
  );
  const rows = new ArrowRows([batch, batch.slice(1)], [field]);
  const values: unknown[] = [];
  for await (const { columns } of rows.parts(undefined))
    for (const value of new Vector([columns[0]!])) values.push(value instanceof Vector ? [...value] : value);
  const all = values.slice(0, data.length);
  expect(values.slice(data.length), "a slice").to.deep.equal(all.slice(1));
  return [`${rows.schema.fields[0]!.type}`, all];
}

const columnOf = (type: DataType, values: unknown[]) => sent(type, vectorFromArray(values, type).data[0]!);
/** A column of 64-bit numbers, the second of which is null and out of any range. */
const longsOf = (type: DataType, ...longs: bigint[]) =>
  sent(
    type,
    new Data(type, 0, longs.length, 1, [undefined, BigInt64Array.from(longs), Uint8Array.of(0b11111101)] as never),
  );
const GARBAGE = 2n ** 62n + 1n;

describe("A column of record batches, on its way into Spark", () => {
  it("has microseconds and days in the place of other units, and is refused by its name if it has more digits", async () => {
    expect(await longsOf(new TimestampSecond("UTC"), -5n, GARBAGE)).to.have.property(
      "0",
      "Timestamp<MICROSECOND, UTC>",
    );
    const seconds = await longsOf(new DurationSecond(), 3n, GARBAGE, -1n);
    expect(seconds).to.deep.equal(["Duration<MICROSECOND>", [3_000_000n, null, -1_000_000n]]);
    const days = await longsOf(new DateMillisecond(), -86_400_000n, GARBAGE, 0n);
    expect(days[0]).to.equal("Date32<DAY>");
    expect(await columnOf(new TimeMillisecond(), [1, null])).to.deep.equal(["Time64<NANOSECOND>", [1_000_000n, null]]);
    const refusals: [Promise<unknown>, RegExp][] = [
      [longsOf(new TimestampNanosecond(), 1_000n, GARBAGE, 1_001n), /^Column `c` .* exactly: 1001 ns/],
      [longsOf(new DateMillisecond(), 0n, GARBAGE, 1n), /^Column `c` .*a date with a time of day, 1 ms/],
      [longsOf(new TimestampSecond(), 0n, GARBAGE, 2n ** 60n), /^Column `c` .* s\. It must be a whole number of µs/],
    ];
    for (const [column, message] of refusals) {
      const error = await errorOf(column);
      expect(error).to.include({ code: "INVALID_INPUT" });
      expect(error.message).to.match(message);
    }
  });

  it("has the next wider signed type in the place of an unsigned or half one", async () => {
    expect(await columnOf(new Uint8(), [255, null, 0])).to.deep.equal(["Int16", [255, null, 0]]);
    expect(await columnOf(new Float16(), [1.5, null, -0.25])).to.deep.equal(["Float32", [1.5, null, -0.25]]);
    const [type, values] = await columnOf(new Uint64(), [2n ** 64n - 1n, null, 7n]);
    expect(type).to.equal(`${new Decimal(0, 20)}`);
    expect(values.map((value) => value && [...(value as Uint32Array)])).to.deep.equal([
      [0xffff_ffff, 0xffff_ffff, 0, 0],
      null,
      [7, 0, 0, 0],
    ]);
  });

  it("has decimals of 128 bits, and is refused if they have more than 38 digits", async () => {
    for (const bitWidth of [32, 64, 256]) {
      const words = bitWidth / 32;
      const values = Uint32Array.from({ length: 2 * words }, (_, word) =>
        word < words ? 0xffff_ffff : Number(word === words),
      );
      const type = new Decimal(2, 9, bitWidth);
      const [, found] = await sent(type, new Data(type, 0, 2, 0, [undefined, values] as never));
      expect(found.map((value) => [...(value as Uint32Array)])).to.deep.equal([
        Array(4).fill(0xffff_ffff),
        [1, 0, 0, 0],
      ]);
    }
    const wide = new Decimal(0, 38, 256);
    const beyond = new Data(wide, 0, 1, 0, [undefined, Uint32Array.of(0, 0, 0, 0, 1, 0, 0, 0)] as never);
    expect((await errorOf(sent(wide, beyond))).message).to.match(/^Column `c` has a value .* more than 38 digits/);
  });

  it("has texts, bytes and lists in their plain form, the values of dictionaries, and names for what has none", async () => {
    const words = ["a", null, "more than twelve bytes", "ü"];
    expect(await columnOf(new Utf8View(), words)).to.deep.equal(["Utf8", words]);
    expect(await columnOf(new Dictionary(new Utf8(), new Int8()), words)).to.deep.equal(["Utf8", words]);
    const bytes = [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)];
    expect(await columnOf(new FixedSizeBinary(2), bytes)).to.deep.equal(["Binary", bytes]);
    const pairs = new FixedSizeList(2, new Field("", new Dictionary(new Utf8(), new Int32()), true));
    const lists = [["x", "y"], null, ["y", null]];
    const [type, found] = await columnOf(pairs, lists);
    expect(type).to.equal("List<Utf8>");
    expect(found).to.deep.equal(lists);
    const [child] = sparkSchema([new Field("l", new List(new Field("", new Int32(), true)), true)]).fields[0]!.type
      .children;
    expect(child!.name).to.equal("element");
  });

  it("is refused at the call, by its name, if Spark has no such type", () => {
    const refused: DataType[] = [
      new Decimal(2, 40, 256),
      new Decimal(-1, 5),
      new Interval(IntervalUnit.DAY_TIME),
      new Union(UnionMode.Sparse, [0], [new Field("x", new Bool())]),
    ];
    for (const type of refused) {
      const nested = new Struct([new Field("list", new List(new Field("", type)))]);
      expect(() => sparkSchema([new Field("a", nested)]), `${type}`)
        .to.throw(SparkStreamError, /^Column `a\.list\[\]` has the type .*, which Spark cannot take/)
        .with.property("code", "UNSUPPORTED_TYPE");
    }
  });

  it("is refused by its row if it has nulls that its field does not allow", async () => {
    const field = new Field("c", new Int32(), false);
    const data = vectorFromArray([1, 2, null], new Int32()).data[0]!;
    const children = [data];
    const struct = makeData({ type: new Struct([field]), length: 3, nullCount: 0, children });
    const batch = new RecordBatch(new Schema([field]), struct);
    const rows = new ArrowRows([batch, batch], [field]);
    expect((await errorOf(rows.parts(undefined).next())).message).to.match(/^Row 2 does not fit: `c` is null/);
  });
});

describe("Rows, as they are sent", () => {
  const table = tableFromArrays({
    id: Int32Array.from({ length: 1_000 }, (_, row) => row),
    half: Float64Array.of(...Array(1_000).keys()),
  });
  const rows = new ArrowRows(table.batches, table.schema.fields);

  it("are lists of so many structs where they are packed, in their order", async () => {
    for (const pack of [1, 3, 32, 1_000, 5_000]) {
      const found: unknown[] = [];
      for await (const { pieces } of portions(rows, { maxBytes: MIB, severalBatches: true, pack }, undefined)) {
        const read = tableFromIPC(Buffer.concat(pieces));
        if (pack === 1) found.push(...read.getChild("id")!);
        else for (const list of read.getChild("rows")!) for (const row of list) found.push(row.id);
      }
      expect(found, `${pack} in one`).to.deep.equal([...table.getChild("id")!]);
    }
  });

  it("are in portions of at most so many bytes, of one batch each for a server that keeps only the first", async () => {
    const batches = Array.from({ length: 20 }, () => table.batches[0]!);
    const many = new ArrowRows(batches, table.schema.fields);
    const sizes: number[] = [];
    for await (const { size, pieces } of portions(
      many,
      { maxBytes: 40_000, severalBatches: true, pack: 1 },
      undefined,
    )) {
      expect(pieces.reduce((sum, { length }) => sum + length, 0)).to.equal(size);
      expect(tableFromIPC(Buffer.concat(pieces)).batches.length).to.be.above(1);
      sizes.push(size);
    }
    expect(sizes).to.have.length(7);
    expect(Math.max(...sizes)).to.be.below(41_000);
    const alone = portions(many, { maxBytes: 40_000, severalBatches: false, pack: 1 }, undefined);
    let count = 0;
    for await (const { pieces } of alone) count += tableFromIPC(Buffer.concat(pieces)).batches.length;
    expect(count).to.equal(20);
  });

  it("are packed so that Spark broadcasts none of more than 64 MiB that it would not otherwise", () => {
    const types = table.schema.fields.map(({ type }) => type);
    expect(estimatedBytes(types, 10)).to.equal(10 * (8 + 4 + 8));
    expect(estimatedBytes([new List(new Field("e", new Utf8())), new Binary()], 2)).to.equal(2 * (8 + 20 + 100));
    const packed = (estimate: number, bytes: number, broadcastThreshold = 10 * MIB) =>
      rowsPacked({ estimate, bytes, broadcastThreshold });
    expect(packed(60 * MIB, 60 * MIB)).to.equal(32);
    expect(packed(5 * MIB, 500 * MIB)).to.equal(32); // Spark would broadcast it anyway
    expect(packed(60 * MIB, 500 * MIB)).to.equal(6);
    expect(packed(250 * MIB, 170 * MIB)).to.equal(25);
    expect(packed(9_000 * MIB, 9_000 * MIB)).to.equal(32);
    expect(packed(250 * MIB, 170 * MIB, -1)).to.equal(32);
    expect(packed(150 * MIB, 170 * MIB, 100 * MIB)).to.equal(1);
  });

  it("go in pieces of 32 KiB with a checksum each, and in one message if they fit", () => {
    const common = { sessionId: "s" };
    for (const lengths of [[1], [32_768], [32_769], [10, 70_000, 5, 32_768], [100_000, 100_000], []]) {
      const pieces = lengths.map((length, seed) => Uint8Array.from({ length }, (_, at) => (at * 7 + seed) & 255));
      const size = lengths.reduce((sum, length) => sum + length, 0);
      const found: Uint8Array[] = [];
      const requests = [...artifactRequests(common, "cache/x", { size, pieces })];
      for (const [index, { payload, sessionId }] of requests.entries()) {
        expect(sessionId).to.equal("s");
        const chunk =
          payload.case === "batch"
            ? payload.value.artifacts[0]!.data!
            : payload.case === "beginChunk"
              ? payload.value.initialChunk!
              : (payload.value as { data: Uint8Array; crc: bigint });
        expect(chunk.crc).to.equal(BigInt(crc32(chunk.data)));
        expect(payload.case).to.equal(size <= 32_768 ? "batch" : index === 0 ? "beginChunk" : "chunk");
        if (payload.case === "beginChunk") {
          expect(payload.value).to.include({ totalBytes: BigInt(size), numChunks: BigInt(requests.length) });
        }
        if (index < requests.length - 1) expect(chunk.data).to.have.length(32_768);
        found.push(chunk.data.slice());
      }
      expect(Buffer.concat(found).equals(Buffer.concat(pieces))).to.equal(true);
    }
  });

  it("let the event loop turn while they are made", async () => {
    const objects = Array.from({ length: 400_000 }, (_, id) => ({ id, half: id / 2, text: `text ${id}` }));
    const { longest, turns } = await observed(cpuTime, async () => {
      const made = new ObjectRows(objects, sparkSchema(await inferredFields(objects, undefined)), false);
      for await (const _ of portions(made, { maxBytes: 8 * MIB, severalBatches: true, pack: 32 }, undefined));
    });
    expect(turns).to.be.above(5);
    expect(longest).to.be.below(100); // CPU time has that of the compiler's threads in it
  });
});

describe("A text, as a value of a type", () => {
  it("is read exactly, or not at all", () => {
    expect(daysOf("1970-01-01")).to.equal(0);
    expect(daysOf("0001-01-01")).to.equal(-719_162);
    expect(daysOf("2000-02-29")).to.equal(11_016);
    expect(daysOf("-000001-12-31")).to.equal(-719_529);
    for (const wrong of ["1900-02-29", "2026-13-01", "2026-00-10", "2026-1-1", ""])
      expect(daysOf(wrong), wrong).to.equal(undefined);
    for (const iso of ["1969-12-31T23:59:59.999Z", "2026-06-30T12:34:56.000Z", "9999-12-31T00:00:00.001Z"]) {
      expect(microsOf(iso, true)).to.equal(BigInt(Date.parse(iso)) * 1000n);
    }
    expect(microsOf("1970-01-01T01:30:00+01:30", true)).to.equal(0n);
    expect(microsOf("1970-01-01 00:00:00.000001", false)).to.equal(1n);
    for (const wrong of ["1970-01-01T24:00:00Z", "1970-01-01T00:00:00.0000001Z", "1970-01-01"]) {
      expect(microsOf(wrong, true), wrong).to.equal(undefined);
    }
    expect(durationOf("-P1DT2H3M4.5S")).to.equal(-93_784_500_000n);
    expect(durationOf("P")).to.equal(undefined);
    expect(durationOf("PT")).to.equal(undefined);
    expect(monthsOf("-P1Y2M")).to.equal(-14);
    expect(unscaledOf("-12.5", 2)).to.equal(-1250n);
    expect(unscaledOf("1e-3", 3)).to.equal(1n);
    expect(unscaledOf("1.50", 1)).to.equal(15n);
    expect(unscaledOf(String(0.1 + 0.2), 2)).to.equal(undefined);
    for (const wrong of ["", ".", "e5", "NaN", "1,5"]) expect(unscaledOf(wrong, 2), wrong).to.equal(undefined);
  });
});

describe("A server without artifacts", () => {
  const tableOf = (megabytes: number) => new Table({ x: makeVector(new Float64Array((megabytes * MIB) / 8)) });

  it("gets rows within the plan up to 16 MiB, and more are refused", async () => {
    await using setting = await scripted({ batches: idBatches(1) });
    const { spark, server } = setting;
    await sparkStream(spark.createDataFrame(tableOf(6))).toArray();
    const found = server.requests.find(({ method }) => method === "executePlan")!.message as { plan?: object };
    const relations = JSON.stringify(found.plan, (_key, value) =>
      typeof value === "bigint" ? 0 : value instanceof Uint8Array ? value.length : value,
    );
    expect(relations.match(/"localRelation"/g)).to.have.length.above(1);
    const error = await errorOf(spark.createDataFrame(tableOf(20)).schema());
    expect(error).to.include({ code: "UNSUPPORTED" });
    expect(error.message).to.include("takes no uploads").and.include("16 MiB");
  });
});

describe("An artifact for a server before Spark 4.1", () => {
  it("is a LocalRelation, byte for byte", async () => {
    const names: string[] = [];
    await using setting = await scripted({
      batches: idBatches(1),
      respond: {
        artifactStatus: (request) => {
          names.push(...request.names);
          return { statuses: Object.fromEntries(request.names.map((name) => [name, { exists: true }])) };
        },
      },
    });
    const { createHash } = await import("node:crypto");
    const table = new Table({ x: makeVector(new Float64Array(200_000)) });
    await setting.spark.createDataFrame(table).schema();
    const rows = new ArrowRows(table.batches, table.schema.fields);
    const expected: string[] = [];
    const { create } = await import("@bufbuild/protobuf");
    for await (const { pieces } of portions(rows, { maxBytes: MIB, severalBatches: false, pack: 32 }, undefined)) {
      const message = create(LocalRelationSchema, { data: Buffer.concat(pieces) });
      expected.push(`cache/${createHash("sha256").update(toBinary(LocalRelationSchema, message)).digest("hex")}`);
    }
    expect(names).to.deep.equal(expected);
  });
});
