import type { Random } from "../support/random.js";

/** Numbers that a reader must not believe: as int32, as int64, and as protobuf writes them. 2 GB is among them. */
const int32s = [0x7fffffff, 0x80000000, 0xffffffff, 0].map((value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
});
const int64s = [2n ** 31n, 2n ** 31n - 1n, 2n ** 40n, 2n ** 62n, -1n, -(2n ** 63n)].map((value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
});
const varints = [
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
].map((bytes) => Buffer.from(bytes));
const hostile = [...int32s, ...int64s, ...varints];

/** A copy with something wrong: less of it, more of it, flipped bits, other bytes, a hostile number. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const place = () => {
    // More often than not in what comes first, which is mostly metadata.
    const at = random.below(random.next() < 0.7 ? Math.min(copy.length, 4_000) : copy.length);
    return random.next() < 0.5 ? at - (at % 4) : at;
  };
  switch (random.below(7)) {
    case 0:
      return copy.subarray(0, place());
    case 1: {
      for (let flips = random.between(1, 4); flips > 0; flips--) copy[place()]! ^= 1 << random.below(8);
      return copy;
    }
    case 2:
      copy[place()] = random.below(256);
      return copy;
    case 3: {
      const at = place();
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + random.between(1, 64))]);
    }
    case 4: {
      const [from, to] = [place(), place()];
      return Buffer.concat([
        copy.subarray(0, to),
        copy.subarray(from, from + random.between(1, 64)),
        copy.subarray(to),
      ]);
    }
    case 5: {
      const at = place();
      return Buffer.concat([copy.subarray(0, at), random.pick(varints), copy.subarray(at + 1)]);
    }
    default:
      random.pick(hostile).copy(copy, place());
      return copy;
  }
}
