import { expect } from "chai";
import { compressFrameSync } from "lz4-napi";
import { lz4ContentBound } from "../../lib/arrow/codec/lz4-frame.js";

const magic = [0x04, 0x22, 0x4d, 0x18];
const end = [0, 0, 0, 0];
const plain = [5, 0, 0, 0x80, 1, 2, 3, 4, 5];
const packed = [2, 0, 0, 0, 1, 2];

describe("lz4ContentBound", () => {
  const frames: [what: string, bytes: number[], bound: number][] = [
    ["nothing", [0x40, 0x40, 0, ...end], 0],
    ["a block that is not compressed", [0x40, 0x40, 0, ...plain, ...end], 5],
    ["two blocks, of which one is compressed", [0x40, 0x40, 0, ...plain, ...packed, ...end], 5 + 2 * 255],
    ["blocks with checksums", [0x50, 0x40, 0, ...plain, 9, 9, 9, 9, ...packed, 9, 9, 9, 9, ...end], 5 + 2 * 255],
    [
      "a size, a dictionary and a checksum",
      [0x4d, 0x40, 1, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 0, ...plain, ...end, 9, 9, 9, 9],
      5,
    ],
  ];
  for (const [what, bytes, bound] of frames) {
    it(`finds the most that a frame with ${what} can hold`, () => {
      const frame = Uint8Array.from([0xff, ...magic, ...bytes]).subarray(1);
      expect(lz4ContentBound(frame)).to.equal(bound);
    });
  }

  it("takes no block for larger than its frame says the largest is", () => {
    const block = [0, 1, 0, 0, ...Array(256).fill(0)];
    for (const [code, largest] of [
      [0x40, 64 * 1024],
      [0x70, 256 * 255],
    ] as const) {
      expect(lz4ContentBound(Uint8Array.from([...magic, 0x40, code, 0, ...block, ...end]))).to.equal(
        Math.min(largest, 256 * 255),
      );
    }
    const long = [0, 8, 0, 0, ...Array(2048).fill(0)];
    expect(lz4ContentBound(Uint8Array.from([...magic, 0x40, 0x40, 0, ...long, ...end]))).to.equal(64 * 1024);
    expect(lz4ContentBound(Uint8Array.from([...magic, 0x40, 0x50, 0, ...long, ...end]))).to.equal(256 * 1024);
  });

  it("is no less than what a writer of frames put in", () => {
    for (const size of [0, 1, 1000, 64 * 1024, 300_000, 5_000_000]) {
      for (const content of [
        Buffer.alloc(size),
        Buffer.from(Array.from({ length: size }, (_, index) => (index * 7919) % 251)),
      ]) {
        expect(lz4ContentBound(compressFrameSync(content)), `${size}`).to.be.at.least(size);
      }
    }
  });

  it("refuses a frame that ends too soon, or is followed by something", () => {
    const frame = [...magic, 0x40, 0x40, 0, ...plain, ...end];
    for (const bytes of [frame.slice(0, -1), frame.slice(0, 5), [...frame, 0]]) {
      expect(() => lz4ContentBound(Uint8Array.from(bytes))).to.throw(RangeError);
    }
  });
});
