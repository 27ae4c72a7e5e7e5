import { create, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { Expression_LiteralSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { literal } from "../../lib/connect/session/literal.js";
import type { SqlParameter } from "../../lib/connect/session/sql-arguments.js";
import { SparkStreamError } from "../../lib/errors.js";

/** The message as protobuf's JSON: longs are strings there. */
const json = (value: SqlParameter) =>
  toJson(Expression_LiteralSchema, create(Expression_LiteralSchema, literal(value, "p")));

const array = (elementType: object, ...elements: object[]) => ({
  array: { elementType, ...(elements.length > 0 && { elements }) },
});
const arrayType = (elementType: object) => ({ array: { elementType, containsNull: true } });

function refusal(value: unknown): SparkStreamError {
  try {
    literal(value as SqlParameter, "p");
  } catch (error) {
    expect(error).to.be.instanceOf(SparkStreamError);
    return error as SparkStreamError;
  }
  expect.fail("it was accepted");
}

describe("literal", () => {
  const scalars: [value: SqlParameter, shown: string, expected: object][] = [
    [null, "null as a null without a type", { null: { null: {} } }],
    [true, "true as BOOLEAN", { boolean: true }],
    ["", "an empty string as STRING", { string: "" }],
    ["'; DROP TABLE t --", "text that looks like SQL as STRING", { string: "'; DROP TABLE t --" }],
    [0, "0 as INT", { integer: 0 }],
    [2 ** 31 - 1, "2^31 - 1 as INT", { integer: 2 ** 31 - 1 }],
    [-(2 ** 31), "-2^31 as INT", { integer: -(2 ** 31) }],
    [2 ** 31, "2^31 as BIGINT", { long: "2147483648" }],
    [-(2 ** 31) - 1, "-2^31 - 1 as BIGINT", { long: "-2147483649" }],
    [Number.MAX_SAFE_INTEGER, "2^53 - 1 as BIGINT", { long: "9007199254740991" }],
    [2 ** 53, "2^53, which may stand for its neighbour, as DOUBLE", { double: 2 ** 53 }],
    [-0, "-0 as DOUBLE, since INT has none", { double: -0 }],
    [0.1, "0.1 as DOUBLE", { double: 0.1 }],
    [Number.NaN, "NaN as DOUBLE", { double: "NaN" }],
    [Number.NEGATIVE_INFINITY, "-Infinity as DOUBLE", { double: "-Infinity" }],
    [1n, "1n as BIGINT", { long: "1" }],
    [2n ** 63n - 1n, "2^63 - 1 as BIGINT", { long: "9223372036854775807" }],
    [-(2n ** 63n), "-2^63 as BIGINT", { long: "-9223372036854775808" }],
    [new Date(1), "a Date as TIMESTAMP, in microseconds", { timestamp: "1000" }],
    [new Date("1900-01-01T00:00:00.001Z"), "a Date before 1970 as TIMESTAMP", { timestamp: "-2208988799999000" }],
    [Uint8Array.of(0, 255), "bytes as BINARY", { binary: "AP8=" }],
    [Buffer.from([1]), "a Buffer as BINARY", { binary: "AQ==" }],
  ];
  for (const [value, shown, expected] of scalars) {
    it(`sends ${shown}`, () => {
      expect(json(value)).to.deep.equal(expected);
    });
  }

  it("sends an array as ARRAY with the type of its elements", () => {
    expect(json(["a", "b"])).to.deep.equal(array({ string: {} }, { string: "a" }, { string: "b" }));
    expect(json([new Date(0)])).to.deep.equal(array({ timestamp: {} }, { timestamp: "0" }));
  });

  it("sends an empty array, and one of nulls, as ARRAY of no type", () => {
    expect(json([])).to.deep.equal(array({ null: {} }));
    expect(json([null])).to.deep.equal(array({ null: {} }, { null: { null: {} } }));
  });

  it("takes the type of an array from the elements that are not null", () => {
    expect(json([null, 1])).to.deep.equal(array({ integer: {} }, { null: { null: {} } }, { integer: 1 }));
    expect(json([1, null])).to.deep.equal(array({ integer: {} }, { integer: 1 }, { null: { null: {} } }));
  });

  it("makes all numbers of an array the widest that one of them needs", () => {
    expect(json([1, 2 ** 31])).to.deep.equal(array({ long: {} }, { long: "1" }, { long: "2147483648" }));
    expect(json([1n, 2])).to.deep.equal(array({ long: {} }, { long: "1" }, { long: "2" }));
    expect(json([1, 2n, 0.5])).to.deep.equal(array({ double: {} }, { double: 1 }, { double: 2 }, { double: 0.5 }));
  });

  // The type was that of the first element: [[1], [0.5]] was said to be of integers, and [[], [1]] of nothing.
  it("makes the numbers of nested arrays the widest that any of them needs", () => {
    const doubles = { double: {} };
    expect(json([[1], [0.5]])).to.deep.equal(
      array(arrayType(doubles), array(doubles, { double: 1 }), array(doubles, { double: 0.5 })),
    );
    const longs = { long: {} };
    expect(json([[[1]], [[], [2n]]])).to.deep.equal(
      array(
        arrayType(arrayType(longs)),
        array(arrayType(longs), array(longs, { long: "1" })),
        array(arrayType(longs), array(longs), array(longs, { long: "2" })),
      ),
    );
  });

  it("takes the type of a nested array from the first that has one", () => {
    const strings = { string: {} };
    expect(json([null, [], [null], ["a"]])).to.deep.equal(
      array(
        arrayType(strings),
        { null: { null: {} } },
        array(strings),
        array(strings, { null: { null: {} } }),
        array(strings, { string: "a" }),
      ),
    );
  });

  it("refuses an array of different types at any depth, and names them", () => {
    expect(refusal([1, "a"]).message).to.equal(
      "The parameter p mixes integer and string; all its elements must be of one type.",
    );
    expect(refusal([["a"], [true]]).message).to.include("mixes string and boolean");
    expect(refusal([[1], 1]).message).to.include("mixes array and integer");
  });

  it("refuses what has no SQL type, and says which parameter it is", () => {
    for (const value of [undefined, {}, new Map(), Symbol("s"), () => 1]) {
      expect(refusal(value))
        .to.include({ code: "INVALID_ARGUMENT" })
        .with.property("message")
        .that.includes("parameter p is");
    }
    expect(refusal(["a", [undefined]]).message).to.include("parameter p[1][0] is");
    expect(refusal(Array(1)).message, "a hole").to.include("parameter p[0] is");
  });

  it("refuses a bigint of more than 64 bits and an invalid Date", () => {
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) expect(refusal(value).message).to.include("64 bits");
    expect(refusal(new Date(Number.NaN)).message).to.include("invalid Date");
  });
});
