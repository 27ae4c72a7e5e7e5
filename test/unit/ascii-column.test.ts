import { Bool, Decimal, makeData, TimestampMicrosecond } from "apache-arrow";
import { expect } from "chai";
import { timestampText } from "../../lib/arrow/text/date-text.js";
import { asciiColumn } from "../../lib/sinks/values/ascii-column.js";
import { decimalTexts } from "../../lib/sinks/values/decimal-text.js";
import { timestampTexts } from "../../lib/sinks/values/timestamp-text.js";
import { Random } from "../support/random.js";

/** Integers of up to so many bits, among them those around which a format changes. */
function integers(random: Random, bits: number): bigint[] {
  const limit = 2n ** BigInt(bits - 1);
  const edges = [0, 9, 10, 99, 100, 2 ** 31, 1e9, 1e15, 2 ** 53, 1e17].flatMap((edge) =>
    [-1n, 0n, 1n].map((by) => BigInt(edge) + by),
  );
  const others = Array.from({ length: 3000 }, () => {
    const size = BigInt(random.between(1, bits - 1));
    const words = [1, 2, 3, 4, 5, 6, 7, 8].map(() => BigInt(random.below(2 ** 32)));
    return words.reduce((value, word) => (value << 32n) | word) & (2n ** size - 1n);
  });
  return [...edges, ...others].flatMap((value) => [value, -value]).filter((value) => value >= -limit && value < limit);
}

describe("Columns of ASCII texts", () => {
  for (const [bits, scales] of Object.entries({
    32: [0, 2, 9],
    64: [0, 1, 18],
    128: [-2, 0, 2, 18, 38],
    256: [6, 76],
  })) {
    for (const scale of scales) {
      it(`have decimals of ${bits} bits and a scale of ${scale} as their digits say`, () => {
        const values = integers(new Random(1), Number(bits));
        const count = Number(bits) / 32;
        const words = new Uint32Array(values.length * count);
        for (const [row, value] of values.entries())
          for (let word = 0; word < count; word++)
            words[row * count + word] = Number((value >> BigInt(32 * word)) & 0xffffffffn);
        const data = makeData({ type: new Decimal(scale, 38, Number(bits)), data: words, length: values.length });
        const texts = asciiColumn(data, decimalTexts(words, count, scale));
        expect(texts).to.deep.equal(values.map((value) => shifted(value, scale)));
      });
    }
  }

  it("have times as timestampText has them, in any year", () => {
    const random = new Random(2);
    const edge = 2n ** 53n;
    const edges = [
      -edge - 1n,
      -edge,
      1n - edge,
      -1n,
      0n,
      1n,
      999_999n,
      86_400_000_000n,
      edge - 1n,
      edge,
      edge + 1n,
      -(2n ** 63n),
      2n ** 63n - 1n,
    ];
    const values = BigInt64Array.from([...edges, ...integers(random, 53), ...integers(random, 64)]);
    const data = makeData({ type: new TimestampMicrosecond("UTC"), data: values, length: values.length });
    for (const suffix of ["", "Z"] as const) {
      const texts = asciiColumn(data, timestampTexts(values, suffix));
      expect(texts).to.deep.equal(Array.from(values, (value) => timestampText(value, 6) + suffix));
    }
  });

  it("have null where the column has, and nothing of an empty one", () => {
    const values = BigInt64Array.from({ length: 3000 }, (_, row) => BigInt(row));
    const nullBitmap = makeData({ type: new Bool(), data: new Uint8Array(375).fill(0b10110110), length: 3000 }).values;
    const type = new TimestampMicrosecond();
    const data = makeData({ type, data: values, length: 3000, nullCount: 1125, nullBitmap });
    const texts = asciiColumn(data, timestampTexts(values, ""));
    const isNull = (row: number) => ((0b10110110 >> (row % 8)) & 1) === 0;
    expect(texts).to.deep.equal(Array.from(values, (value, row) => (isNull(row) ? null : timestampText(value, 6))));
    expect(asciiColumn(data.slice(0, 0), timestampTexts(values, ""))).to.deep.equal([]);
  });
});

/** The decimal point put in by arithmetic. */
function shifted(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const unit = 10n ** BigInt(scale);
  const size = value < 0n ? -value : value;
  return `${value < 0n ? "-" : ""}${size / unit}.${String(unit + (size % unit)).slice(1)}`;
}
