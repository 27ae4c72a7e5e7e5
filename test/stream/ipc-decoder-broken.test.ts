import {
  Bool,
  type DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Int8,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Null,
  Schema,
  Struct,
  Utf8,
  Utf8View,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { IpcDecoder } from "../../lib/chain/ipc-decoder.js";
import { SparkStreamError } from "../../lib/errors.js";
import { batchOf, columnsOf, contentOf, expectedOf, failureOf, ipcOf, ipcOfSchema } from "../support/ipc.js";
import { type BatchParts, batchMessage, withSchemaOf } from "../support/ipc-assembler.js";

const decode = async (bytes: Uint8Array) => new IpcDecoder().decode({ arrow_ipc_bytes: bytes });

const nothing = Uint8Array.of();
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const ints = (...values: number[]) => bytesOf(Int32Array.from(values));
const schemaOf = (...types: DataType[]) =>
  ipcOfSchema(new Schema(types.map((type, index) => new Field(`c${index}`, type, true))));
const item = (type: DataType) => new Field("item", type, true);

const good = ipcOf(
  batchOf({
    i: vectorFromArray([1, 2, null], new Int32()),
    t: vectorFromArray(["a", null, "bcd"], new Utf8()),
    l: vectorFromArray([[1], null, [2, 3]], new List(item(new Int32()))),
  }),
);

/** Sets an int32 within a copy of the bytes. */
function patched(bytes: Uint8Array, position: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  new DataView(copy.buffer).setInt32(position, value, true);
  return copy;
}

/** The first byte of each message in a stream, and the end of the last. */
function messageEnds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const ends: number[] = [];
  const lengthOf = (message: number) => {
    const vtable = message - view.getInt32(message, true);
    return Number(view.getBigInt64(message + view.getUint16(vtable + 10, true), true));
  };
  let position = 0;
  while (view.getInt32(position + 4, true) > 0) {
    const metadata = position + 8;
    const bodyLength = ends.length === 0 ? 0 : lengthOf(metadata + view.getInt32(metadata, true));
    position = metadata + view.getInt32(position + 4, true) + bodyLength;
    ends.push(position);
  }
  return ends;
}

describe("IpcDecoder, of what is no Arrow IPC stream,", () => {
  const [schemaEnd, batchEnd] = messageEnds(good) as [number, number];

  const refused: [what: string, bytes: Uint8Array, says: RegExp][] = [
    ["nothing at all", nothing, /it is empty/],
    ["text", Buffer.from("this is no Arrow IPC stream, and long enough"), /should begin at byte 0/],
    ["zeros", new Uint8Array(64), /should begin at byte 0/],
    ["an Arrow file", Buffer.concat([Buffer.from("ARROW1\0\0"), good]), /should begin at byte 0/],
    ["an end-of-stream mark alone", good.subarray(batchEnd), /does not begin with a schema/],
    ["a batch without a schema", good.subarray(schemaEnd), /does not begin with a schema/],
    [
      "a second schema",
      Buffer.concat([good.subarray(0, schemaEnd), good]),
      /message of type 1 in the place of a record batch/,
    ],
    ["something between two messages", Buffer.concat([good.subarray(0, schemaEnd), Buffer.from("something")]), /byte/],
    ["metadata of a negative length", patched(good, schemaEnd + 4, -8), /has -8 bytes of metadata/],
    ["metadata longer than the blob", patched(good, schemaEnd + 4, 2 ** 30), /has 1073741824 bytes of metadata/],
    ["a body that ends too soon", good.subarray(0, batchEnd - 1), /bytes of body; \d+ follow/],
    ["metadata that refers to beyond the blob", patched(good, schemaEnd + 8, 2 ** 30), /.*/],
    ["a schema that refers to beyond itself", patched(good, 8, 2 ** 30), /.*/],
  ];
  for (const [what, bytes, says] of refused) {
    it(`refuses ${what}`, async () => {
      const error = await failureOf(decode(bytes));
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_IPC");
      expect(error.message)
        .to.match(/^Row 0 of the stream cannot be read\. /)
        .and.to.match(says);
    });
  }

  it("says which row it is", async () => {
    const decoder = new IpcDecoder();
    for (let row = 0; row < 7; row++) await decoder.decode({ arrow_ipc_bytes: good });
    const error = await failureOf(() => decoder.decode({ arrow_ipc_bytes: good.subarray(0, -20) }));
    expect(error.message).to.match(/^Row 7 of the stream/);
  });

  it("refuses a row that is cut off anywhere but between two messages", async () => {
    for (let length = 0; length <= good.length; length++) {
      const outcome = await decode(good.subarray(0, length)).catch((error: unknown) => error);
      const whole = new Map([
        [schemaEnd, []],
        [batchEnd, expectedOf(good)],
        [good.length, expectedOf(good)],
      ]).get(length);
      if (whole) expect(contentOf(outcome as never), `${length} bytes`).to.deep.equal(whole);
      else expect(outcome, `${length} bytes`).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_IPC");
    }
  });
});

describe("IpcDecoder, of batches that are not what their schema says,", () => {
  const column = (length: number | bigint, nulls: number, ...buffers: Uint8Array[]): BatchParts => ({
    length: Number(length),
    nodes: [[length, nulls]],
    buffers,
  });
  const refused: [what: string, types: DataType[], parts: BatchParts, says: RegExp][] = [
    ["fewer values than rows", [new Int32()], column(3, 0, nothing, ints(1, 2)), /8 bytes where 12 are needed/],
    ["more nulls than rows", [new Int32()], column(1, 2, Uint8Array.of(0), ints(1)), /2 of 1 values are null/],
    ["a short validity bitmap", [new Int32()], column(9, 1, Uint8Array.of(0), ints(...Array(9))), /1 bytes where 2/],
    ["a negative length", [new Int32()], column(-1, 0, nothing, nothing), /a length of -1/],
    [
      "a length beyond all numbers",
      [new Int32()],
      column(2n ** 62n, 0, nothing, nothing),
      /a length of 461168601842738/,
    ],
    // (length + 7) >> 3 is 0 for these.
    ["2^32 booleans and no bits", [new Bool()], column(2 ** 32, 0, nothing, nothing), /where 536870912 are needed/],
    ["negative offsets", [new Utf8()], column(1, 0, nothing, ints(-1, 3), ints(0)), /offsets run from -1 to 3/],
    ["offsets that run backwards", [new Utf8()], column(1, 0, nothing, ints(3, 1), ints(0)), /offsets run from 3 to 1/],
    ["no offsets", [new Utf8()], column(1, 0, nothing, nothing, ints(0)), /0 bytes where 8 are needed/],
    [
      "fewer bytes than offsets",
      [new Utf8()],
      column(1, 0, nothing, ints(0, 5), ints(0)),
      /4 bytes where 5 are needed/,
    ],
    [
      "large offsets beyond all numbers",
      [new LargeUtf8()],
      column(1, 0, nothing, bytesOf(BigInt64Array.of(0n, 2n ** 62n)), ints(0)),
      /4 bytes where 461168601842738/,
    ],
    ["too few buffers", [new Int32()], column(1, 0, nothing), /fewer buffers than its schema needs/],
    ["no buffers", [new Int32()], column(1, 0), /fewer buffers than its schema needs/],
    ["too few columns", [new Int32(), new Null()], column(1, 0, nothing, ints(1)), /no field node for "c1"/],
    [
      "columns of different lengths",
      [new Int32(), new Int32()],
      { length: 1, nodes: Array(2).fill([2, 0]), buffers: [nothing, ints(1, 2), nothing, ints(1, 2)] },
      /a batch of 1 rows has 2 in column "c0"/,
    ],
    [
      "nulls in another number than rows",
      [new Null()],
      { length: 1, nodes: [[2 ** 40, 0]], buffers: [] },
      /has 1099511627776/,
    ],
    [
      "a list with fewer values than its offsets say",
      [new List(item(new Int8()))],
      {
        length: 1,
        nodes: [
          [1, 0],
          [2, 0],
        ],
        buffers: [nothing, ints(0, 3), nothing, Uint8Array.of(1, 2)],
      },
      /3 values of "item" are referred to, and 2 are there/,
    ],
    [
      "a fixed-size list with fewer values than it needs",
      [new FixedSizeList(2, item(new Int8()))],
      {
        length: 2,
        nodes: [
          [2, 0],
          [3, 0],
        ],
        buffers: [nothing, nothing, Uint8Array.of(1, 2, 3)],
      },
      /4 values of "item" are referred to, and 3 are there/,
    ],
    [
      "a struct with fewer values than rows",
      [new Struct([new Field("a", new Int8(), true)])],
      {
        length: 2,
        nodes: [
          [2, 0],
          [1, 0],
        ],
        buffers: [nothing, nothing, Uint8Array.of(1)],
      },
      /2 values of "a" are referred to, and 1 are there/,
    ],
  ];
  for (const [what, types, parts, says] of refused) {
    it(`refuses ${what}, before it makes room for it`, async () => {
      const bytes = withSchemaOf(schemaOf(...types), batchMessage(parts));
      const before = process.memoryUsage().arrayBuffers;
      const error = await failureOf(decode(bytes));
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_IPC");
      expect(error.message).to.match(says);
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(16 * 2 ** 20);
    });
  }

  it("refuses a buffer that reaches beyond its body, though not beyond the blob", async () => {
    const schema = schemaOf(new Int64());
    const batch = batchMessage(column(1, 0, nothing, bytesOf(BigInt64Array.of(1n))));
    const view = new DataView(batch.buffer);
    // The last of the places that hold 8: it is the length of the second buffer, and its offset is before it.
    const lengthAt = Array.from({ length: batch.length / 8 - 1 }, (_, index) => 8 * index).findLast(
      (at) => view.getBigInt64(at, true) === 8n,
    )!;
    for (const [position, value] of [
      [lengthAt - 8, 8],
      [lengthAt, 16],
    ] as const) {
      const broken = patched(batch, position, value);
      const error = await failureOf(decode(withSchemaOf(schema, broken, batch)));
      expect(error).to.have.property("code", "INVALID_IPC");
      expect(error.message).to.match(/reaches beyond its body/);
    }
  });

  it("counts the nulls itself where the writer did not", async () => {
    const batch = column(3, -1, Uint8Array.of(0b101), ints(1, 2, 3));
    const none = column(2, -1, nothing, ints(4, 5));
    const batches = await decode(withSchemaOf(schemaOf(new Int32()), batchMessage(batch), batchMessage(none)));
    expect(batches.map((each) => columnsOf(each)[0]!.toJSON())).to.deep.equal([
      [1, null, 3],
      [4, 5],
    ]);
    expect(batches.map((each) => columnsOf(each)[0]!.nullCount)).to.deep.equal([1, 0]);
  });
});

// apache-arrow's reader makes as many fields as a schema says it has. One flipped bit, and the process was out of memory.
describe("IpcDecoder, of a schema that is broken,", () => {
  it("refuses more fields than there is room for", async () => {
    const schema = schemaOf(new Int32(), new Int32());
    const view = new DataView(schema.buffer);
    const counts = Array.from({ length: schema.length - 4 }, (_, at) => at).filter(
      (at) => at % 4 === 0 && view.getInt32(at, true) === 2,
    );
    const errors = await Promise.all(
      counts.map((at) => failureOf(decode(patched(schema, at, 0x7fffffff))).catch(() => undefined)),
    );
    expect(errors.map((error) => error?.message).join()).to.include("metadata lists more than it holds");
  });

  it("refuses types that are nested too deeply, and reads those that are not", async () => {
    const nested = (depth: number) => {
      let type: DataType = new Int32();
      for (let level = 0; level < depth; level++) type = new List(item(type));
      return schemaOf(type);
    };
    expect(await decode(nested(100))).to.deep.equal([]);
    const error = await failureOf(decode(nested(200)));
    expect(error).to.include({ code: "UNSUPPORTED" });
    expect(error.message).to.include("nested more than 128 levels deep");
  });

  it("refuses tables that are each used many times, which would take for ever", async () => {
    const started = performance.now();
    const error = await failureOf(decode(doublingSchema(60)));
    expect(error).to.have.property("code", "INVALID_IPC");
    expect(error.message).to.include("refers to more than it holds");
    expect(performance.now() - started).to.be.below(10_000);
  });
});

describe("IpcDecoder, of rows for apache-arrow's own reader,", () => {
  const type = new Dictionary(new Utf8(), new Int32(), 7);
  const dictionary = ipcOf(batchOf({ d: vectorFromArray(["a", "b", "a"], type) }));

  it("refuses a batch whose columns are not as long as it, which would be filled up with nulls", async () => {
    const [, , batchEnd] = messageEnds(dictionary) as [number, number, number];
    const batch = batchMessage({ length: 4, nodes: [[3, 0]], buffers: [nothing, ints(0, 1, 0)] });
    const bytes = Buffer.concat([dictionary.subarray(0, batchEnd), batch]);
    const error = await failureOf(decode(bytes));
    expect(error).to.have.property("code", "INVALID_IPC");
    expect(error.message).to.include('a batch of 4 rows has 3 in column "d"');
  });

  it("refuses views that refer to more buffers than there are", async () => {
    const schema = schemaOf(new Utf8View());
    const view = bytesOf(Uint8Array.of(3, 0, 0, 0, ...new TextEncoder().encode("abc"), ...Array(9).fill(0)));
    const parts = (count: number) => ({
      length: 1,
      nodes: [[1, 0] as const],
      buffers: [nothing, view, nothing],
      variadicBufferCounts: [count],
    });
    const [batch] = await decode(withSchemaOf(schema, batchMessage(parts(1))));
    expect(columnsOf(batch!)[0]!.toJSON()).to.deep.equal(["abc"]);
    for (const count of [4, 2 ** 31, 2 ** 50]) {
      const started = performance.now();
      const error = await failureOf(decode(withSchemaOf(schema, batchMessage(parts(count)))));
      expect(error).to.have.property("code", "INVALID_IPC");
      expect(error.message).to.include("more buffers than there are");
      expect(performance.now() - started).to.be.below(10_000);
    }
  });

  // They were delivered, and a writer failed over them.
  it("refuses nulls without validity, of any type", async () => {
    const type = new Dictionary(new Utf8(), new Int32(), 7);
    const bytes = ipcOf(batchOf({ d: vectorFromArray(["a", "b", "a"], type) }));
    // The field node of the column: 3 values, 0 nulls. It stands behind the dictionary's own.
    const view = new DataView(bytes.buffer);
    const nodes = Array.from({ length: bytes.length / 8 - 2 }, (_, index) => 8 * index).filter(
      (at) => view.getBigInt64(at, true) === 3n && view.getBigInt64(at + 8, true) === 0n,
    );
    const errors = await Promise.all(
      nodes.map((at) =>
        decode(patched(bytes, at + 8, 2)).then(
          () => undefined,
          (error: Error) => error,
        ),
      ),
    );
    expect(errors.map((error) => error?.message).join()).to.include("3 values are null, and has validity for 0");
  });

  // These were believed, and a writer failed with a raw RangeError later.
  it("refuses offsets of a dictionary's values that are broken, or beyond what there is", async () => {
    const of = (dictionary: DataType, ...values: unknown[]) => {
      const type = new Dictionary(dictionary, new Int32(), 7);
      return ipcOf(batchOf({ d: vectorFromArray(values, type) }));
    };
    const texts = of(new Utf8(), "ab", "cde", "ab");
    const lists = of(new List(item(new Int32())), [1, 2], [3, 4, 5]);
    for (const bytes of [texts, lists]) {
      // The offsets are 0, 2, 5.
      const places = Array.from({ length: bytes.length / 4 - 2 }, (_, index) => 4 * index);
      const view = new DataView(bytes.buffer);
      const at = places.find((place) => [0, 2, 5].every((offset, i) => view.getInt32(place + 4 * i, true) === offset))!;
      for (const [place, offset] of [
        [at, -1],
        [at + 4, 6],
        [at + 4, -3],
        [at + 8, 1],
        [at + 8, 1000],
      ] as const) {
        const error = await failureOf(decode(patched(bytes, place, offset)));
        expect(error, `${offset}`).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_IPC");
        expect(error.message).to.include("offsets");
      }
    }
  });

  it("refuses a row that is cut off", async () => {
    const ends = messageEnds(dictionary);
    for (let length = 1; length < ends.at(-1)!; length++) {
      if (ends.includes(length) || ends.includes(length - 8)) continue;
      const error = await failureOf(decode(dictionary.subarray(0, length)));
      expect(error, `${length} bytes`).to.have.property("code", "INVALID_IPC");
    }
  });
});

/**
 * The message of a schema of one field with two children, which are the same field with two children, which … : few
 * bytes, and 2^levels fields to whoever reads on.
 */
function doublingSchema(levels: number): Uint8Array {
  const FIELD = 40;
  const size = 64 + FIELD * (levels + 1);
  const bytes = new Uint8Array(8 + size);
  const view = new DataView(bytes.buffer);
  const u16 = (position: number, ...values: number[]) => {
    for (const [index, value] of values.entries()) view.setUint16(8 + position + 2 * index, value, true);
  };
  const u32 = (position: number, value: number) => view.setUint32(8 + position, value, true);
  view.setUint32(0, 0xffffffff);
  view.setUint32(4, size, true);
  u32(0, 16);
  u16(4, 10, 12, 0, 4, 8); // Message: header_type, header
  u32(16, 12);
  view.setUint8(8 + 20, 1);
  u32(24, 16);
  u16(32, 8, 8, 0, 4); // Schema: fields
  u32(40, 8);
  u32(44, 4);
  u32(48, 1);
  u32(52, 12);
  const first = 64;
  for (let level = 0; level <= levels; level++) {
    const field = first + FIELD * level;
    // The vtable of all fields lies behind each: type_type, children.
    u16(field + 24, 16, 12, 0, 0, 5, 0, 0, 8);
    view.setInt32(8 + field, -24, true);
    view.setUint8(8 + field + 5, 13); // Struct
    u32(field + 8, 4);
    u32(field + 12, level === levels ? 0 : 2);
    u32(field + 16, FIELD - 16);
    u32(field + 20, FIELD - 20);
  }
  return bytes;
}
