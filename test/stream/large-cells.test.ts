// A cell of many MB: what a writer of text holds for it, and what becomes of one that is too large.
import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Data, Field, RecordBatch, Schema, Struct, Utf8 } from "apache-arrow";
import { expect } from "chai";
import { csvWriter, ndjsonWriter } from "../../lib/index.js";
import { TextBuffer } from "../../lib/sinks/text/text-buffer.js";

const MIB = 1024 * 1024;

/** A batch of one column and two rows: the given text, and a short one. */
function batchOf(large: Uint8Array): RecordBatch {
  const type = new Utf8();
  const values = Buffer.concat([large, Buffer.from("last")]);
  const valueOffsets = Int32Array.of(0, large.length, values.length);
  const text = new Data(type, 0, 2, 0, { 0: valueOffsets, 1: values });
  const schema = new Schema([new Field("text", type, true)]);
  return new RecordBatch(schema, new Data(new Struct(schema.fields), 0, 2, 0, {}, [text]));
}

const digest = (...pieces: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
};

describe("A cell of 64 MiB in a file of text", () => {
  const plain = Buffer.alloc(64 * MIB, "all the same ");
  const quotes = Buffer.alloc(64 * MIB, '"');
  const cases = [
    { name: "csvWriter, plain", writer: csvWriter, large: plain, expected: () => ["text\n", plain, "\nlast\n"] },
    {
      name: "csvWriter, quotes alone",
      writer: csvWriter,
      large: quotes,
      expected: () => ['text\n"', quotes, quotes, '"\nlast\n'],
    },
    {
      name: "ndjsonWriter, plain",
      writer: ndjsonWriter,
      large: plain,
      expected: () => ['{"text":"', plain, '"}\n{"text":"last"}\n'],
    },
    {
      name: "ndjsonWriter, quotes alone",
      writer: ndjsonWriter,
      large: quotes,
      expected: () => ['{"text":"', Buffer.alloc(128 * MIB, '\\"'), '"}\n{"text":"last"}\n'],
    },
  ] as const;

  for (const { name, writer, large, expected } of cases) {
    it(`is whole, and held once (${name})`, async () => {
      const hash = createHash("sha256");
      const target = new Writable({
        write(bytes, _encoding, callback) {
          hash.update(bytes);
          callback();
        },
      });
      await pipeline([batchOf(large)], writer(target));
      expect(hash.digest("hex")).to.equal(digest(...expected()));
    });
  }
});

describe("A TextBuffer", () => {
  it("gives a long piece memory of its own, and keeps none of it", () => {
    const out = new TextBuffer();
    out.raw(Buffer.alloc(64 * MIB, "x"));
    expect(out.bytes.length).to.be.within(64 * MIB, 81 * MIB);
    const piece = out.take();
    out.ascii("next");
    expect(out.bytes.length).to.be.below(2 * MIB);
    expect(piece.length).to.equal(64 * MIB);
    expect(piece.every((byte) => byte === 120)).to.equal(true);
    expect(`${out.take()}`).to.equal("next");
  });

  it("uses memory again where it is told that nobody needs what was taken, and only then", () => {
    const out = new TextBuffer();
    out.ascii("first");
    const first = out.take();
    out.ascii("second");
    out.reuse(); // what is not taken yet stays
    const second = out.take();
    out.reuse();
    out.ascii("third");
    const third = out.take();
    expect([first, second, third].map(String)).to.deep.equal(["first", "second", "third"]);
    out.reuse(); // the third may still be needed, and those before it may not
    out.ascii("4");
    expect(`${out.take()}`).to.equal("4");
    expect([first, second, third].map(String)).to.deep.equal(["4irst", "second", "third"]);
  });

  it("refuses a piece that no file takes at once", () => {
    const out = new TextBuffer();
    out.ascii("some");
    expect(() => out.ensure(2 ** 31 - 4))
      .to.throw("more than 2 GiB of text")
      .with.property("code", "INVALID_INPUT");
    expect(out.bytes.length).to.be.below(MIB);
  });
});
