import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMicrosecond,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  IntervalMonthDayNano,
  IntervalYearMonth,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  MessageReader,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimeMillisecond,
  TimestampMicrosecond,
  TimestampSecond,
  tableFromIPC,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import type { ArrowIpcRow } from "../../lib/chain/arrow-ipc-row.js";
import { IpcDecoder } from "../../lib/chain/ipc-decoder.js";
import {
  batchOf,
  buffersOf,
  columnsOf,
  contentOf,
  expectedOf,
  failureOf,
  ipcOf,
  ipcOfSchema,
  placedAt,
  plain,
} from "../support/ipc.js";
import { batchMessage, withSchemaOf } from "../support/ipc-assembler.js";

const decode = (bytes: Uint8Array, row: Partial<ArrowIpcRow> = {}, decoder = new IpcDecoder()) =>
  decoder.decode({ arrow_ipc_bytes: bytes, ...row }) as RecordBatch[];

const list = <T extends DataType>(type: T) => new List(new Field("item", type, true));
const struct = (types: Record<string, DataType>) =>
  new Struct(Object.entries(types).map(([name, type]) => new Field(name, type, true)));
const map = (key: DataType, value: DataType) =>
  new Map_(
    new Field(
      "entries",
      new Struct<{ key: DataType; value: DataType }>([new Field("key", key, false), new Field("value", value, true)]),
      false,
    ),
  );

const columns: Record<string, Vector> = {
  null: vectorFromArray([null, null, null], new Null()),
  bool: vectorFromArray([true, null, false], new Bool()),
  int8: vectorFromArray([1, null, -128], new Int8()),
  int16: vectorFromArray([1, null, -32768], new Int16()),
  int32: vectorFromArray([1, null, -(2 ** 31)], new Int32()),
  int64: vectorFromArray([1n, null, -(2n ** 63n)], new Int64()),
  uint8: vectorFromArray([1, null, 255], new Uint8()),
  uint16: vectorFromArray([1, null, 65535], new Uint16()),
  uint32: vectorFromArray([1, null, 2 ** 32 - 1], new Uint32()),
  uint64: vectorFromArray([1n, null, 2n ** 64n - 1n], new Uint64()),
  float16: vectorFromArray([1.5, null, -2], new Float16()),
  float32: vectorFromArray([1.5, null, Number.NaN], new Float32()),
  float64: vectorFromArray([0.1, null, -0], new Float64()),
  utf8: vectorFromArray(["", null, "hé😀"], new Utf8()),
  largeUtf8: vectorFromArray(["", null, "hé😀"], new LargeUtf8()),
  binary: vectorFromArray([Uint8Array.of(), null, Uint8Array.of(0, 255)], new Binary()),
  largeBinary: vectorFromArray([Uint8Array.of(), null, Uint8Array.of(0, 255)], new LargeBinary()),
  fixedSizeBinary: vectorFromArray([Uint8Array.of(1, 2, 3), null, Uint8Array.of(4, 5, 6)], new FixedSizeBinary(3)),
  decimal: vectorFromArray([Uint32Array.of(123, 0, 0, 0), null, Uint32Array.of(7, 1, 0, 0)], new Decimal(2, 38)),
  dateDay: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateDay()),
  dateMillisecond: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateMillisecond()),
  timeMillisecond: vectorFromArray([0, null, 86_399_999], new TimeMillisecond()),
  timeMicrosecond: vectorFromArray([0n, null, 86_399_999_999n], new TimeMicrosecond()),
  timestampSecond: vectorFromArray([0, null, 1e9], new TimestampSecond()),
  timestampZoned: vectorFromArray([0, null, 1e9], new TimestampMicrosecond("Europe/Berlin")),
  duration: vectorFromArray([0n, null, -1n], new DurationMicrosecond()),
  intervalYearMonth: vectorFromArray([Int32Array.of(1), null, Int32Array.of(-5)], new IntervalYearMonth()),
  intervalMonthDayNano: vectorFromArray(
    [Int32Array.of(1, 2, 3, 0), null, Int32Array.of(4, 5, 6, 0)],
    new IntervalMonthDayNano(),
  ),
  list: vectorFromArray([[1, null], null, []], list(new Int32())),
  fixedSizeList: vectorFromArray([[1, 2], null, [3, null]], new FixedSizeList(2, new Field("item", new Int16(), true))),
  struct: vectorFromArray([{ a: 1, b: "x" }, null, { a: null, b: "y" }], struct({ a: new Int32(), b: new Utf8() })),
  map: vectorFromArray([new Map([["k", 1]]), null, new Map([["l", null]])], map(new Utf8(), new Int32())),
  deep: vectorFromArray(
    [[{ m: new Map([["k", [[1, null], null]]]) }, null], null, []],
    list(struct({ m: map(new Utf8(), list(list(new Int32()))) })),
  ),
};

describe("IpcDecoder", () => {
  describe("gives what apache-arrow's own reader gives", () => {
    for (const [name, vector] of Object.entries(columns)) {
      it(`for a column of type ${vector.type}`, () => {
        const bytes = ipcOf(batchOf({ [name]: vector }));
        expect(contentOf(decode(bytes))).to.deep.equal(expectedOf(bytes));
      });
    }

    it("for a column without nulls of each type", () => {
      for (const [name, vector] of Object.entries(columns)) {
        const bytes = ipcOf(
          batchOf({
            [name]: name === "deep" ? vector.slice(2) : vectorFromArray([vector.get(0), vector.get(2)], vector.type),
          }),
        );
        expect(contentOf(decode(bytes)), name).to.deep.equal(expectedOf(bytes));
      }
    });

    it("for a dictionary, by way of that reader", async () => {
      const vector = vectorFromArray(["a", "b", null, "a"], new Dictionary(new Utf8(), new Int32()));
      const bytes = ipcOf(batchOf({ vector }));
      expect(contentOf(await decode(bytes))).to.deep.equal(expectedOf(bytes));
    });

    it("for all of them at once, in several batches of one row", () => {
      const batch = batchOf(columns);
      const bytes = ipcOf(batch, batch.slice(0, 1), batch.slice(3), batch.slice(1, 3));
      const batches = decode(bytes);
      expect(batches.map(({ numRows }) => numRows)).to.deep.equal([3, 1, 0, 2]);
      expect(contentOf(batches)).to.deep.equal(expectedOf(bytes));
    });

    it("through every way to read a vector", () => {
      const [batch] = decode(ipcOf(batchOf(columns)));
      const expected = tableFromIPC(ipcOf(batchOf(columns))).batches[0]!;
      for (const [index, vector] of columnsOf(batch!).entries()) {
        const other = columnsOf(expected)[index]!;
        const views = (of: Vector) => ({
          get: [0, 1, 2].map((row) => plain(of.get(row))),
          at: plain(of.at(-1)),
          valid: [0, 1, 2].map((row) => of.isValid(row)),
          iterated: Array.from(of, plain),
          array: plain(of.toArray()),
          slice: plain(of.slice(1, 3).toArray()),
          json: of.toJSON().map(plain),
          string: `${of}`,
        });
        expect(views(vector), batch!.schema.fields[index]!.name).to.deep.equal(views(other));
      }
      expect(batch!.toArray().map((row) => plain([...row!]))).to.deep.equal(
        expected.toArray().map((row) => plain([...row!])),
      );
      expect(batch!.getChild("utf8")!.toJSON()).to.deep.equal(["", null, "hé😀"]);
      expect(contentOf([batch!.slice(1)])).to.deep.equal(contentOf([expected.slice(1)]));
      expect(contentOf(new Table([batch!, batch!]).batches)).to.deep.equal(contentOf([expected, expected]));
      expect(contentOf(tableFromIPC(ipcOf(batch!)).batches)).to.deep.equal(contentOf([expected]));
    });

    it("for no rows", () => {
      const bytes = ipcOf(batchOf(columns).slice(0, 0));
      expect(contentOf(decode(bytes))).to.deep.equal(expectedOf(bytes));
    });

    it("for no columns, whose rows can only be counted", () => {
      const data = makeData({ type: new Struct([]), length: 5, nullCount: 0, children: [] });
      const bytes = ipcOf(new RecordBatch(new Schema([]), data));
      expect(decode(bytes).map(({ numRows, numCols }) => ({ numRows, numCols }))).to.deep.equal([
        { numRows: 5, numCols: 0 },
      ]);
    });

    it("for a writer's slices, whose buffers were cut", () => {
      const bytes = ipcOf(batchOf(columns).slice(1));
      expect(contentOf(decode(bytes))).to.deep.equal(expectedOf(bytes));
      expect(decode(bytes)[0]!.getChild("list")!.toJSON().map(plain)).to.deep.equal([null, []]);
    });
  });

  it("gives no batch for a row that has none, and knows the schema from it", () => {
    const decoder = new IpcDecoder();
    expect(decode(ipcOfSchema(batchOf(columns).schema), {}, decoder)).to.deep.equal([]);
    expect(decoder.schema!.names).to.deep.equal(Object.keys(columns));
  });

  it("reads a row that ends without an end-of-stream mark", () => {
    const bytes = ipcOf(batchOf(columns));
    expect(contentOf(decode(bytes.subarray(0, -8)))).to.deep.equal(expectedOf(bytes));
  });

  it("reads no further than the end-of-stream mark", () => {
    const bytes = ipcOf(batchOf(columns));
    expect(contentOf(decode(Buffer.concat([bytes, Buffer.from("trailing bytes")])))).to.deep.equal(expectedOf(bytes));
  });

  // apache-arrow's constructor of a record batch gave both columns the type of the last.
  it("keeps columns of one name apart, as Spark sends them", () => {
    const fields = [new Field("a", new Int32(), true), new Field("a", new Utf8(), true)];
    const children = [columns.int32!.data[0]!, columns.utf8!.data[0]!];
    const [batch] = decode(
      withSchemaOf(
        ipcOfSchema(new Schema(fields)),
        batchMessage({
          length: 3,
          nodes: children.map(({ length, nullCount }) => [length, nullCount] as const),
          buffers: [
            children[0]!.nullBitmap,
            bytesOf(children[0]!.values),
            children[1]!.nullBitmap,
            bytesOf(children[1]!.valueOffsets),
            children[1]!.values,
          ],
        }),
      ),
    );
    expect(batch!.schema.fields.map(String)).to.deep.equal(["a: Int32", "a: Utf8"]);
    expect(columnsOf(batch!).map((vector) => vector.toJSON())).to.deep.equal([
      [1, null, -(2 ** 31)],
      ["", null, "hé😀"],
    ]);
  });

  it("reads offsets that do not begin at 0, as a writer may leave them in a slice", () => {
    const schema = batchOf({ text: columns.utf8!, list: columns.list! }).schema;
    const bytes = withSchemaOf(
      ipcOfSchema(schema),
      batchMessage({
        length: 2,
        nodes: [
          [2, 0],
          [2, 0],
          [5, 0],
        ],
        buffers: [
          Uint8Array.of(),
          bytesOf(Int32Array.of(3, 5, 6)),
          new TextEncoder().encode("abcdef"),
          Uint8Array.of(),
          bytesOf(Int32Array.of(1, 3, 4)),
          Uint8Array.of(),
          bytesOf(Int32Array.of(10, 11, 12, 13, 14)),
        ],
      }),
    );
    const [batch] = decode(bytes);
    expect(batch!.getChild("text")!.toJSON()).to.deep.equal(["de", "f"]);
    expect(batch!.getChild("list")!.toJSON().map(plain)).to.deep.equal([[11, 12], [13]]);
  });

  it("does without the offsets of a column that has no values, which Arrow's Java library leaves out", () => {
    const schema = batchOf({ text: columns.utf8!, large: columns.largeUtf8!, list: columns.list! }).schema;
    const nothing = Uint8Array.of();
    const bytes = withSchemaOf(
      ipcOfSchema(schema),
      batchMessage({ length: 0, nodes: Array(4).fill([0, 0]), buffers: Array(10).fill(nothing) }),
    );
    const [batch] = decode(bytes);
    expect(contentOf([batch!])[0]!.columns.map(({ values }) => values)).to.deep.equal([[], [], []]);
  });

  describe("with its bytes at any place", () => {
    const bytes = ipcOf(batchOf(columns), batchOf(columns).slice(1));
    const expected = expectedOf(bytes);

    for (let offset = 0; offset < 8; offset++) {
      it(`reads a row ${offset} bytes from a multiple of 8, and leaves its bytes as they are`, () => {
        for (const type of [Uint8Array, Buffer]) {
          const placed = placedAt(offset, bytes);
          const row = type === Buffer ? Buffer.from(placed.buffer, placed.byteOffset, placed.length) : placed;
          const before = Uint8Array.from(new Uint8Array(placed.buffer));
          expect(contentOf(decode(row))).to.deep.equal(expected);
          expect(Buffer.compare(before, new Uint8Array(placed.buffer))).to.equal(0);
        }
      });

      it(`aligns an owned row ${offset} bytes from a multiple of 8 in its place, and touches nothing beside it`, () => {
        for (const end of [bytes.length, bytes.length - 8]) {
          const placed = placedAt(offset, bytes.subarray(0, end));
          const batches = decode(placed, { owned: true });
          expect(contentOf(batches)).to.deep.equal(expected);
          const around = [
            ...new Uint8Array(placed.buffer, 0, 8 + offset),
            ...new Uint8Array(placed.buffer, 8 + offset + end),
          ];
          expect(new Set(around)).to.deep.equal(new Set([0xa5]));
        }
      });
    }

    it("makes views of an aligned row and copies nothing", () => {
      const buffers = decode(placedAt(0, bytes)).flatMap(({ data }) => buffersOf(data));
      expect(buffers).to.have.length.above(40);
      const placed = placedAt(0, bytes);
      for (const buffer of decode(placed).flatMap(({ data }) => buffersOf(data)))
        expect(buffer.buffer).to.equal(placed.buffer);
    });

    it("makes views of an owned row wherever it is, and copies nothing", () => {
      const placed = placedAt(3, bytes);
      for (const buffer of decode(placed, { owned: true }).flatMap(({ data }) => buffersOf(data))) {
        expect(buffer.buffer).to.equal(placed.buffer);
      }
    });

    it("copies of an unaligned row of the user's only what a typed array cannot be laid on", () => {
      const placed = placedAt(4, bytes);
      const buffers = decode(placed).flatMap(({ data }) => buffersOf(data));
      const [copied, viewed] = [true, false].map((copy) =>
        buffers.filter(({ buffer }) => (buffer !== placed.buffer) === copy),
      );
      expect(copied).to.have.length.above(0);
      expect(viewed).to.have.length.above(0);
      for (const buffer of copied!) {
        expect((buffer as Uint8Array).BYTES_PER_ELEMENT).to.equal(8);
        expect(buffer.buffer.byteLength, "a copy of no more than it needs").to.equal(buffer.byteLength);
      }
    });

    it("reads a row in shared memory", () => {
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
      shared.set(bytes);
      expect(contentOf(decode(shared))).to.deep.equal(expected);
    });

    it("reads dictionaries at any place, and leaves the bytes as they are", async () => {
      const vector = vectorFromArray(["a", "b", null, "a"], new Dictionary(new Utf8(), new Int32()));
      const dictionary = ipcOf(batchOf({ vector }));
      for (const offset of [0, 1, 4, 7]) {
        for (const owned of [true, false]) {
          const placed = placedAt(offset, dictionary);
          const row = Buffer.from(placed.buffer, placed.byteOffset, placed.length);
          expect(contentOf(await decode(row, { owned })), `${offset}`).to.deep.equal(expectedOf(dictionary));
          expect(Buffer.compare(row, dictionary)).to.equal(0);
        }
      }
    });
  });

  describe("over the rows of one stream", () => {
    it("parses the schema once, and gives it to every batch", () => {
      const decoder = new IpcDecoder();
      const { readSchema } = MessageReader.prototype;
      let parsed = 0;
      MessageReader.prototype.readSchema = function (...args) {
        parsed++;
        return readSchema.apply(this, args) as never;
      };
      try {
        for (let row = 0; row < 20; row++) {
          const [batch] = decode(placedAt(row % 8, ipcOf(batchOf(columns))), {}, decoder);
          expect(batch!.schema).to.equal(decoder.schema);
        }
      } finally {
        MessageReader.prototype.readSchema = readSchema;
      }
      expect(parsed).to.equal(1);
    });

    it("keeps nothing of the first row but its values", () => {
      const decoder = new IpcDecoder();
      const first = ipcOf(batchOf(columns));
      decode(first, {}, decoder);
      first.fill(0);
      expect(contentOf(decode(ipcOf(batchOf(columns)), {}, decoder))).to.deep.equal(
        expectedOf(ipcOf(batchOf(columns))),
      );
    });

    // What was compared with the second row was the second row.
    it("sees another schema in a row that lies where the first one lay", async () => {
      const schemaOf = (name: string) => ipcOfSchema(new Schema([new Field(name, new Int32(), true)]));
      const decoder = new IpcDecoder();
      const memory = schemaOf("a");
      decode(memory, {}, decoder);
      expect(schemaOf("b")).to.have.length(memory.length);
      memory.set(schemaOf("b"));
      expect(await failureOf(() => decode(memory, {}, decoder))).to.have.property("code", "SCHEMA_MISMATCH");
    });

    it("takes a row whose schema is written in another way, or has other metadata, for the same", () => {
      const decoder = new IpcDecoder();
      const { fields } = batchOf(columns).schema;
      decode(ipcOf(batchOf(columns)), {}, decoder);
      const other = new Schema(fields, new Map([["written by", "another writer"]]));
      const batch = new RecordBatch(other, batchOf(columns).data);
      expect(contentOf(decode(ipcOf(batch), {}, decoder))).to.deep.equal(expectedOf(ipcOf(batchOf(columns))));
    });

    it("takes dictionaries for the same whose ids are not", async () => {
      const decoder = new IpcDecoder();
      for (const values of [["a", "b"], ["c"]]) {
        const bytes = ipcOf(batchOf({ d: vectorFromArray(values, new Dictionary(new Utf8(), new Int32())) }));
        const [batch] = await decode(bytes, {}, decoder);
        expect(batch!.getChild("d")!.toJSON()).to.deep.equal(values);
      }
    });

    const two = (type: DataType) => ({ first: new Int32(), second: type });
    const others: [what: string, one: Record<string, DataType>, other: Record<string, DataType>, says: RegExp][] = [
      ["type", two(new Int32()), two(new Int64()), /schema has `second` as Int64 where Int32 is expected/],
      ["name", { a: new Int32() }, { b: new Int32() }, /schema has `b` instead of `a`/],
      ["missing column", two(new Int32()), { first: new Int32() }, /schema lacks `second`/],
      ["column more", { first: new Int32() }, two(new Utf8()), /schema has `second` in addition to the other columns/],
      // apache-arrow takes all decimals for one type: the values were a hundredth of what they are.
      ["scale of a decimal", two(new Decimal(2, 10)), two(new Decimal(4, 10)), /Decimal128\(10, 4\) where.*\(10, 2\)/],
      ["precision of a decimal", two(new Decimal(2, 10)), two(new Decimal(2, 12)), /Decimal128\(12, 2\)/],
      ["width of a decimal", two(new Decimal(2, 10)), two(new Decimal(2, 10, 256)), /Decimal256/],
      [
        "decimal in a list",
        two(list(new Decimal(2, 10))),
        two(list(new Decimal(3, 10))),
        /`second\.item` as Decimal128\(10, 3\) where/,
      ],
      ["time zone", two(new TimestampMicrosecond("UTC")), two(new TimestampMicrosecond()), /TIMESTAMP|Timestamp/],
      ["unit", two(new TimestampMicrosecond()), two(new TimestampSecond()), /SECOND/],
      [
        "size of a list",
        two(new FixedSizeList(2, new Field("i", new Int8()))),
        two(new FixedSizeList(3, new Field("i", new Int8()))),
        /FixedSizeList\[3\]/,
      ],
      [
        "field of a struct",
        two(struct({ a: new Int8() })),
        two(struct({ b: new Int8() })),
        /`second\.b` instead of `second\.a`/,
      ],
      ["value of a map", two(map(new Utf8(), new Int8())), two(map(new Utf8(), new Int16())), /Int16/],
      [
        "type in a dictionary",
        two(new Dictionary(new Utf8(), new Int32())),
        two(new Dictionary(new Utf8(), new Int8())),
        /Dictionary<Int8, Utf8>/,
      ],
    ];
    for (const [what, one, other, says] of others) {
      it(`refuses a row with another ${what}, and says which column it is`, async () => {
        const schemaOf = (types: Record<string, DataType>) =>
          ipcOfSchema(new Schema(Object.entries(types).map(([name, type]) => new Field(name, type, true))));
        const decoder = new IpcDecoder();
        await decode(schemaOf(one), {}, decoder);
        await decode(schemaOf(one), {}, decoder);
        const error = await failureOf(() => decode(schemaOf(other), {}, decoder));
        expect(error).to.have.property("code", "SCHEMA_MISMATCH");
        expect(error.message)
          .to.match(/^Row 2 of the stream cannot be read\. /)
          .and.to.match(says);
      });
    }

    it("refuses a row with another nullability", async () => {
      const decoder = new IpcDecoder();
      const schema = (nullable: boolean) => ipcOfSchema(new Schema([new Field("a", new Int32(), nullable)]));
      decode(schema(true), {}, decoder);
      const error = await failureOf(() => decode(schema(false), {}, decoder));
      expect(error).to.have.property("code", "SCHEMA_MISMATCH");
      expect(error.message).to.include("`a` as not nullable where nullable is expected");
    });
  });
});

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
