import { expect } from "chai";
import { zstdFrameHeader } from "../../lib/chain/zstd-frame.js";

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
      expect(zstdFrameHeader(frame)).to.deep.equal({ contentSize, windowSize });
    });
  }

  it("refuses a header that ends too soon", () => {
    for (const bytes of [[], [0x00], [0x20], [0xe0, 1, 2, 3, 4, 5, 6, 7]]) {
      const frame = Uint8Array.from([...magic, ...bytes]);
      expect(() => zstdFrameHeader(frame), bytes.join()).to.throw(RangeError);
    }
  });
});
