import { expect } from "chai";
import { SparkStreamError } from "../../lib/errors.js";
import {
  checkArgument,
  checkKnown,
  checkOptions,
  filled,
  flag,
  isBag,
  nested,
  type OptionTable,
  oneOf,
  required,
  secret,
  shown,
  text,
  whole,
} from "../../lib/runtime/check-options.js";

interface Options {
  token?: string;
  limit?: number;
  order?: string;
  tls?: { key?: string; on?: boolean };
}

const table: OptionTable<Options> = {
  token: secret(filled),
  limit: whole(0, 10, "rows"),
  order: oneOf("arrival", "partition", "none"),
  tls: nested({ key: secret(text), on: flag }),
};

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_ARGUMENT");
    return (error as Error).message;
  }
  expect.fail("it was accepted");
}

const refused = (options: unknown) => refusal(() => checkOptions("f()", options as Options, table));

describe("The options of any function", () => {
  it("that are unknown are refused by name, with the one that was probably meant, and all there are", () => {
    expect(refused({ tokn: "s3cret" })).to.equal(
      'Unknown option "tokn" of f(). Did you mean "token"? Known options: token, limit, order, tls.',
    );
    expect(refused({ Limit: 5 })).to.include('Did you mean "limit"?');
    expect(refused({ colour: 5 })).to.equal('Unknown option "colour" of f(). Known options: token, limit, order, tls.');
    expect(refused({ ["__proto__"]: 5, ["x".repeat(1e5)]: 5 }).length).to.be.below(200);
  });

  it("are refused with what they must be, and with what they are", () => {
    expect(refused({ limit: 1.5 })).to.equal(
      'Option "limit" of f() must be a whole number of rows from 0 to 10, not 1.5.',
    );
    expect(refused({ order: "size" })).to.equal(
      'Option "order" of f() must be "arrival", "partition" or "none", not "size".',
    );
    expect(refused({ tls: true })).to.equal('Option "tls" of f() must be an object of options, not true.');
  });

  it("within an option are checked likewise", () => {
    expect(refused({ tls: { no: 1 } }))
      .to.include('Unknown option "tls.no" of f().')
      .and.include("tls.key, tls.on");
    expect(refused({ tls: { on: "yes" } })).to.equal('Option "tls.on" of f() must be true or false, not "yes".');
  });

  it("may be secrets, which no message shows", () => {
    expect(refused({ token: ["s3cret"] })).to.equal('Option "token" of f() must be a non-empty string.');
    expect(refused({ tls: { key: Buffer.from("s3cret") } })).to.equal('Option "tls.key" of f() must be a string.');
  });

  it("must be an object that is no list, Map or Date, whose contents would be overlooked", () => {
    expect(refused(null)).to.equal("The options of f() must be an object, not null.");
    expect(refused("x")).to.equal('The options of f() must be an object, not "x".');
    expect(refused([1, "a", [2], {}, 5])).to.equal(
      'The options of f() must be an object, not [1, "a", […], an object, …].',
    );
    expect(refused(new Map([["limit", 1]]))).to.equal("The options of f() must be an object, not a Map.");
  });

  it("count as not given when they are undefined, and may be inherited or of a class", () => {
    checkOptions("f()", { limit: undefined } as unknown as Options, table);
    checkOptions("f()", Object.create({ limit: 5 }) as Options, table);
    expect(refused(Object.create({ limit: 50 }))).to.include('"limit"');
  });

  // An encoder writes U+FFFD instead: another delimiter, another file.
  it("are strings that UTF-8 can express, names and values within an object included", () => {
    const texts: OptionTable<{ name: string; more: object }> = { name: text, more: [isBag, "an object"] };
    const refusedText = (options: object) =>
      refusal(() => checkOptions("f()", options as { name: string; more: object }, texts));
    expect(refusedText({ name: "a\ud800" })).to.match(
      /^Option "name" of f\(\) has half of a UTF-16 pair at character 1/,
    );
    expect(refusedText({ more: { "\udc00": 1 } })).to.include('Option "more" of f()');
    expect(refusedText({ more: { a: "\udc00" } })).to.include('Option "more" of f()');
    expect(refusal(() => checkArgument("f()", "name", "\ud800", text))).to.include('Argument "name" of f()');
  });

  it("may be required", () => {
    const must: OptionTable<{ name: string }> = { name: required(text) };
    expect(refusal(() => checkOptions("f()", {} as { name: string }, must))).to.equal(
      'Option "name" of f() is missing; it must be a string.',
    );
  });
});

describe("The arguments of any function", () => {
  it("are refused in the same form", () => {
    expect(refusal(() => checkArgument("limit()", "rows", -1, whole(0, 5)))).to.equal(
      'Argument "rows" of limit() must be a whole number from 0 to 5, not -1.',
    );
    expect(refusal(() => checkKnown("join type", "", "iner", ["inner", "left"]))).to.equal(
      'Unknown join type "iner". Did you mean "inner"? Known join types: inner, left.',
    );
  });
});

describe("A value that a message shows", () => {
  it("is short, and never what an object holds", () => {
    class Secret {
      token = "s3cret";
    }
    const values: [unknown, string][] = [
      ["x".repeat(100), `"${"x".repeat(60)}…"`],
      [5n, "5n"],
      [-0, "-0"],
      [undefined, "undefined"],
      [Symbol("s3cret"), "a symbol"],
      [() => "s3cret", "a function"],
      [new Secret(), "a Secret"],
      [Object.create(null), "an object"],
      [new Date(), "a Date"],
      [new Uint8Array(2), "a Uint8Array"],
    ];
    for (const [value, expected] of values) expect(shown(value)).to.equal(expected);
  });
});
