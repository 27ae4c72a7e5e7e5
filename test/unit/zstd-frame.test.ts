import { expect } from "chai";
import { zstdContentBound, zstdFrameHeader } from "../../lib/arrow/codec/zstd-frame.js";

const magic = [0x28, 0xb5, 0x2f, 0xfd];

describe("zstdFrameHeader", () => {
  const headers: [what: string, bytes: number[], contentSize: number | undefined, windowSize: number][] = [
    ["no size and a window of 1 KiB", [0x00, 0x00], undefined, 1024],
    ["a window of 1.875 KiB", [0x00, 0x07], undefined, 1920],
    ["a window of 2 MiB", [0x00, 11 << 3], undefined, 2 ** 21],
    ["the largest window", [0x00, 0xff], undefined, 1.875 * 2 ** 41],
    ["a size of one byte", [0x20, 200], 200, 0],
    ["a size of two bytes, which begins at 256", [0x60, 1, 2], 0x201 + 256, 0],
    ["a size of four bytes", [0xa0, 1, 2, 3, 4], 0x04030201, 0],
    ["a size of eight bytes", [0xe0, 1, 0, 0, 0, 1, 0, 0, 0], 2 ** 32 + 1, 0],
    ["a window and a size", [0x40, 0x08, 1, 2], 0x201 + 256, 2048],
    ["a dictionary of one byte before the size", [0x21, 9, 200], 200, 0],
    ["a dictionary of two bytes before the size", [0x22, 9, 9, 200], 200, 0],
    ["a dictionary of four bytes before the size", [0x23, 9, 9, 9, 9, 200], 200, 0],
    ["a window, a dictionary and a size", [0x83, 0x10, 9, 9, 9, 9, 1, 2, 3, 4], 0x04030201, 4096],
  ];
  for (const [what, bytes, contentSize, windowSize] of headers) {
    it(`reads ${what}`, () => {
      const frame = Uint8Array.from([0xff, ...magic, ...bytes, 0xff]).subarray(1);
      expect(zstdFrameHeader(frame)).to.deep.equal({ contentSize, windowSize, length: 4 + bytes.length });
    });
  }

  it("refuses a header that ends too soon", () => {
    for (const bytes of [[], [0x00], [0x20], [0xe0, 1, 2, 3, 4, 5, 6, 7]]) {
      const frame = Uint8Array.from([...magic, ...bytes]);
      expect(() => zstdFrameHeader(frame), bytes.join()).to.throw(RangeError);
    }
  });
});

describe("zstdContentBound", () => {
  const raw = [(3 << 3) | 0, 0, 0, 7, 8, 9];
  const repeated = [0x02 | ((1000 & 31) << 3), 1000 >> 5, 0, 7];
  const compressed = [0x04 | (2 << 3), 0, 0, 1, 2];
  const last = ([head, ...rest]: number[]) => [head! | 1, ...rest];
  const header = [...magic, 0x00, 0x00];

  it("is what a frame states", () => {
    expect(zstdContentBound(Uint8Array.from([...magic, 0x20, 200, ...last(compressed)]))).to.equal(200);
  });

  it("is the sum of its blocks otherwise, each compressed one being full", () => {
    const frame = [...header, ...raw, ...repeated, ...compressed, ...last(compressed)];
    expect(zstdContentBound(Uint8Array.from(frame))).to.equal(3 + 1000 + 2 * 131072);
  });

  it("passes over a checksum", () => {
    expect(zstdContentBound(Uint8Array.from([...magic, 0x04, 0x00, ...last(raw), 1, 2, 3, 4]))).to.equal(3);
  });

  it("refuses blocks that end too soon, and what comes after them", () => {
    for (const frame of [
      [...header],
      [...header, ...raw],
      [...header, ...last(raw).slice(0, -1)],
      [...header, ...last(raw), 0],
    ]) {
      expect(() => zstdContentBound(Uint8Array.from(frame)), frame.join()).to.throw(RangeError);
    }
  });
});
