import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { RecordBatch } from "apache-arrow";
import { Dictionary, Field, Int32, Int64, Schema, Utf8 } from "apache-arrow";
import { expect } from "chai";
import { compressFrameSync } from "lz4-napi";
import { IpcDecoder } from "../../lib/chain/ipc-decoder.js";
import { notInCheck } from "../support/check.js";
import { columnsOf, contentOf, expectedOf, failureOf, ipcOfSchema, placedAt, plain } from "../support/ipc.js";
import { type BatchParts, batchMessage, compressedBuffer, withSchemaOf } from "../support/ipc-assembler.js";
import { runPython } from "../support/python.js";

interface Streams {
  /** Names of the streams that the decoder reads by itself, and of those it leaves to apache-arrow. */
  readonly plan: readonly string[];
  readonly arrow: readonly string[];
  readonly streams: Readonly<Record<string, string>>;
  readonly lz4: Readonly<Record<string, string>>;
  readonly zstd: Readonly<Record<string, string>>;
  readonly unknown: Readonly<Record<string, string>>;
  readonly long: Readonly<Record<"plain" | "lz4" | "zstd", string>>;
  readonly "no batch": string;
}

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const decode = async (bytes: Uint8Array, owned = false): Promise<RecordBatch[]> =>
  new IpcDecoder().decode({ arrow_ipc_bytes: bytes, owned });

describe("IpcDecoder, of what pyarrow writes,", () => {
  let pyarrow: Streams;
  before("write streams with pyarrow", async function () {
    notInCheck("it needs Python", this);
    this.timeout(600_000); // the first run of all installs pyarrow
    pyarrow = (await runPython(
      readFileSync(new URL("../support/arrow/ipc_streams.py", import.meta.url), "utf8"),
    )) as Streams;
  });

  it("gives what apache-arrow gives, for every type, for slices, for several batches and for none", async () => {
    expect(pyarrow.plan).to.have.length.above(40);
    for (const name of [...pyarrow.plan, ...pyarrow.arrow]) {
      const bytes = bytesOf(pyarrow.streams[name]!);
      expect(contentOf(await decode(bytes)), name).to.deep.equal(expectedOf(bytes));
    }
    expect(await decode(bytesOf(pyarrow["no batch"]))).to.deep.equal([]);
  });

  for (const codec of ["lz4", "zstd"] as const) {
    it(`gives the same for bodies compressed with ${codec}, at any place`, async () => {
      for (const [index, name] of [...pyarrow.plan, ...pyarrow.arrow].entries()) {
        const bytes = bytesOf(pyarrow[codec][name]!);
        expect(bytes, "not compressed").not.to.deep.equal(bytesOf(pyarrow.streams[name]!));
        const expected = expectedOf(bytesOf(pyarrow.streams[name]!));
        for (const owned of [false, true]) {
          expect(contentOf(await decode(placedAt(index % 8, bytes), owned)), name).to.deep.equal(expected);
        }
      }
    });

    it(`reads buffers of ${codec} of several blocks`, async () => {
      const [batch] = await decode(bytesOf(pyarrow.long[codec]));
      expect(contentOf([batch!])).to.deep.equal(expectedOf(bytesOf(pyarrow.long.plain)));
    });

    it(`leaves the bytes of a user's row compressed with ${codec} as they are`, async () => {
      for (const name of ["everything", "no nulls", "dictionary"]) {
        const bytes = bytesOf(pyarrow[codec][name]!);
        const before = Uint8Array.from(bytes);
        await decode(bytes);
        expect(Buffer.compare(before, bytes), name).to.equal(0);
      }
    });
  }

  it("says of a type that apache-arrow does not know which one it is", async () => {
    const names = { run_end_encoded: "RunEndEncoded", list_view: "ListView" };
    for (const [name, type] of Object.entries(names)) {
      const error = await failureOf(decode(bytesOf(pyarrow.unknown[name]!)));
      expect(error).to.have.property("code", "UNSUPPORTED");
      expect(error.message)
        .to.match(/^Row 0 of the stream/)
        .and.to.include(`type ${type},`);
    }
  });

  it("reads rows of different codecs, and of none, in one stream", async () => {
    const decoder = new IpcDecoder();
    const expected = expectedOf(bytesOf(pyarrow.streams.everything!));
    for (const streams of [pyarrow.streams, pyarrow.lz4, pyarrow.zstd, pyarrow.streams]) {
      const bytes = bytesOf(streams.everything!);
      expect(contentOf(await decoder.decode({ arrow_ipc_bytes: bytes }))).to.deep.equal(expected);
    }
  });

  it("reads batches of different codecs, and of none, in one row", async () => {
    const [one, lz4, zstd] = (["streams", "lz4", "zstd"] as const).map((kind) => bytesOf(pyarrow[kind]["no nulls"]!));
    const batchPart = (bytes: Uint8Array) => {
      const schemaEnd = 8 + new DataView(bytes.buffer).getInt32(4, true);
      return bytes.subarray(schemaEnd, -8);
    };
    // The codec was that of the first batch: those after it were garbage.
    const row = withSchemaOf(one!, ...[one, lz4, zstd, one].map((bytes) => batchPart(bytes!)));
    const [expected] = expectedOf(one!);
    expect(contentOf(await decode(row))).to.deep.equal([expected, expected, expected, expected]);

    // In a process of its own no codec was needed before.
    const code = `
      const { IpcDecoder } = await import(process.argv[1]);
      const batches = await new IpcDecoder().decode({ arrow_ipc_bytes: Buffer.from(process.argv[2], "base64") });
      console.log(JSON.stringify(batches.map((batch) => [...new Set(batch.getChild("same"))].map(String))));
    `;
    const module = new URL("../../lib/chain/ipc-decoder.js", import.meta.url).href;
    const args = ["--import", "tsx", "--input-type=module", "-e", code, module, Buffer.from(row).toString("base64")];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(JSON.parse(stdout)).to.deep.equal([["7"], ["7"], ["7"], ["7"]]);
  });
});

describe("IpcDecoder, of compressed bodies put together by hand,", () => {
  const ints = ipcOfSchema(new Schema([new Field("n", new Int64(), true)]));
  const texts = ipcOfSchema(new Schema([new Field("t", new Utf8(), true)]));
  const values = BigInt64Array.from({ length: 100 }, (_, index) => BigInt(index));
  const raw = new Uint8Array(values.buffer);
  const lz4 = new Uint8Array(compressFrameSync(Buffer.from(raw)));
  const nothing = Uint8Array.of();
  const ZEROS = 1_000_000;
  const zerosOfLz4 = new Uint8Array(compressFrameSync(Buffer.alloc(ZEROS)));
  const column = (buffer: Uint8Array, codec: "lz4" | "zstd" = "lz4"): BatchParts => ({
    length: 100,
    nodes: [[100, 0]],
    buffers: [nothing, buffer],
    codec,
  });
  const decodeColumn = (parts: BatchParts) => decode(withSchemaOf(ints, batchMessage(parts)));

  it("reads what another writer of frames wrote", async () => {
    const [batch] = await decodeColumn(column(compressedBuffer(raw.length, lz4)));
    expect(plain(columnsOf(batch!)[0])).to.deep.equal(plain(values));
  });

  it("reads buffers of nothing as Arrow's Java library writes them: a length of 0, and no frame", async () => {
    for (const codec of ["lz4", "zstd"] as const) {
      const empty = compressedBuffer(0, nothing);
      const noRows = batchMessage({ length: 0, nodes: [[0, 0]], buffers: [empty, empty, empty], codec });
      const emptyTexts = batchMessage({
        length: 2,
        nodes: [[2, 0]],
        buffers: [empty, compressedBuffer(-1, new Uint8Array(12)), empty],
        codec,
      });
      const batches = await decode(withSchemaOf(texts, noRows, emptyTexts));
      expect(batches.map((batch) => columnsOf(batch)[0]!.toJSON())).to.deep.equal([[], ["", ""]]);
    }
  });

  it("reads a buffer that compression would not have made smaller, and that is sent as it is, at any place", async () => {
    for (const codec of ["lz4", "zstd"] as const) {
      const bytes = withSchemaOf(ints, batchMessage(column(compressedBuffer(-1, raw), codec)));
      for (let offset = 0; offset < 8; offset++) {
        for (const owned of [false, true]) {
          const [batch] = await decode(placedAt(offset, bytes), owned);
          expect(plain(columnsOf(batch!)[0])).to.deep.equal(plain(values));
        }
      }
    }
  });

  const broken: [what: string, parts: BatchParts, says: RegExp][] = [
    ["is longer than it says", column(compressedBuffer(raw.length - 8, lz4)), /has 792 bytes where 800 are needed/],
    ["is shorter than it says", column(compressedBuffer(raw.length + 8, lz4)), /to 800 bytes and not to 808/],
    ["says it is enormous", column(compressedBuffer(2 ** 52, lz4)), /claims to hold 4503599627370496 bytes where 800/],
    [
      "holds far more than its column needs",
      column(compressedBuffer(ZEROS, zerosOfLz4)),
      /hold 1000000 bytes where 800/,
    ],
    ["has a negative length", column(compressedBuffer(-2, lz4)), /length of -2/],
    ["ends too soon", column(compressedBuffer(raw.length, lz4.subarray(0, 60))), /lz4 buffer of 60 bytes/],
    ["is no frame", column(compressedBuffer(raw.length, raw)), /lz4 buffer of 800 bytes cannot be decompressed/],
    ["is a frame of another codec", column(compressedBuffer(raw.length, lz4), "zstd"), /zstd buffer of/],
    ["has no room for its length", column(Uint8Array.of(1, 2, 3)), /compressed buffer of 3 bytes/],
    ["is nothing where something should be", column(nothing), /0 bytes where 800 are needed/],
    ["is plain and too short", column(compressedBuffer(-1, raw.subarray(8))), /792 bytes where 800 are needed/],
  ];
  for (const [what, parts, says] of broken) {
    it(`refuses a buffer that ${what}`, async () => {
      const error = await failureOf(decodeColumn(parts));
      expect(error).to.have.property("code", "INVALID_IPC");
      expect(error.message)
        .to.match(/^Row 0 of the stream/)
        .and.to.match(says);
    });
  }

  it("refuses a zstd frame that holds less than its buffer says, in each form that a frame states its size", async () => {
    const run = (size: number) => [0x03 | (size << 3), size >> 5, size >> 13, 0x41]; // the last block: one byte, repeated
    const magic = [0x28, 0xb5, 0x2f, 0xfd];
    const frames: [frame: number[], holds: number][] = [
      [[...magic, 0x20, 200, ...run(200)], 200],
      [[...magic, 0x60, 400 - 256, 0, ...run(400)], 400],
      [[...magic, 0xa0, 0x90, 1, 0, 0, ...run(400)], 400],
      [[...magic, 0xe0, 0x90, 1, 0, 0, 0, 0, 0, 0, ...run(400)], 400],
      [[...magic, 0x40, 0x00, 400 - 256, 0, ...run(400)], 400],
    ];
    const schema = ipcOfSchema(new Schema([new Field("n", new Int32(), true)]));
    const read = (frame: number[], length: number) =>
      decode(
        withSchemaOf(
          schema,
          batchMessage({
            length: length / 4,
            nodes: [[length / 4, 0]],
            buffers: [nothing, compressedBuffer(length, Uint8Array.from(frame))],
            codec: "zstd",
          }),
        ),
      );
    for (const [frame, holds] of frames) {
      const [batch] = await read(frame, holds);
      expect(new Set(columnsOf(batch!)[0]!.toArray())).to.deep.equal(new Set([0x41414141]));
      expect(await failureOf(read(frame, holds + 4))).to.have.property("code", "INVALID_IPC");
      expect(await failureOf(read(frame, holds - 4))).to.have.property("code", "INVALID_IPC");
    }
  });

  it("reads a zstd frame that does not state its size", async () => {
    const frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x03, 0x02, 0x00, 0x41]; // a block of 64 bytes, repeated
    const parts = { length: 8, nodes: [[8, 0]], codec: "zstd" } as const;
    const read = (size: number) => {
      const buffers = [nothing, compressedBuffer(size, Uint8Array.from(frame))];
      return decode(withSchemaOf(ints, batchMessage({ ...parts, buffers })));
    };
    expect(new Set(columnsOf((await read(64))[0]!)[0]!.toArray())).to.deep.equal(new Set([0x4141414141414141n]));
    for (const size of [63, 65, 128]) expect(await failureOf(read(size))).to.have.property("code", "INVALID_IPC");
  });

  it("refuses a zstd frame that wants more memory to be read than what it holds could need", async () => {
    const buffers = (window: number) => [
      nothing,
      compressedBuffer(64, Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x03, 0x02, 0x00, 0x41)),
    ];
    const read = (window: number) =>
      decode(withSchemaOf(ints, batchMessage({ length: 8, nodes: [[8, 0]], codec: "zstd", buffers: buffers(window) })));
    expect(await read(13 << 3)).to.have.length(1); // 8 MiB
    for (const window of [14 << 3, 17 << 3, 20 << 3, 31 << 3]) {
      expect(await failureOf(read(window))).to.have.property("code", "INVALID_IPC");
    }
  });

  // 46 KB became 2 GB: the rows that the batch claimed to have needed as much.
  it("refuses a batch that decompressed would come to more than 512 MiB, before it takes the memory for it", async () => {
    const GIB = 2 ** 30;
    const block = [0x02 | (31 << 3), 0xff, 0x7f >> 3, 0x41]; // 131,071 bytes, repeated
    const blocks = Array(Math.ceil(GIB / 131_071))
      .fill(block)
      .flat();
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 11 << 3, ...blocks, 0x01, 0, 0]);
    const buffers = [nothing, compressedBuffer(GIB, frame)];
    const message = batchMessage({ length: GIB / 8, nodes: [[GIB / 8, 0]], codec: "zstd", buffers });
    const dictionary = new Field("n", new Dictionary(new Utf8(), new Int32()), true);
    const before = process.resourceUsage().maxRSS;
    for (const stream of [ints, ipcOfSchema(new Schema([dictionary]))]) {
      const error = await failureOf(decode(withSchemaOf(stream, message)));
      expect(error).to.have.property("code", "MESSAGE_TOO_LARGE");
      expect(error.message).to.match(/more than 536870912 bytes when it is decompressed.*compression: "none"/);
    }
    expect(process.resourceUsage().maxRSS - before).to.be.below(64 * 1024); // kilobytes
  });

  it("refuses an lz4 frame of far more than its buffer says, before it takes the memory for it", async () => {
    const half = new Uint8Array(compressFrameSync(Buffer.alloc(256 * 2 ** 20)));
    const before = process.resourceUsage().maxRSS;
    const error = await failureOf(decodeColumn(column(compressedBuffer(800, half))));
    expect(error).to.have.property("code", "INVALID_IPC");
    expect(process.resourceUsage().maxRSS - before).to.be.below(64 * 1024); // kilobytes
  });

  it("refuses a zstd frame of far more than its buffer says, before it takes the memory for it", async () => {
    const block = [0x02 | (31 << 3), 0xff, 0x7f >> 3, 0x41]; // 131,071 bytes, repeated
    const frame = Uint8Array.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x00,
      11 << 3,
      ...Array(8192).fill(block).flat(),
      0x01,
      0,
      0,
    ]);
    const buffers = [nothing, compressedBuffer(64, frame)]; // 1 GiB
    const before = process.resourceUsage().maxRSS;
    const error = await failureOf(
      decode(withSchemaOf(ints, batchMessage({ length: 8, nodes: [[8, 0]], codec: "zstd", buffers }))),
    );
    expect(error).to.have.property("code", "INVALID_IPC");
    expect(process.resourceUsage().maxRSS - before).to.be.below(64 * 1024); // kilobytes
  });
});
