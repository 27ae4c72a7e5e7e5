import { readFile } from "node:fs/promises";
import { inspect } from "node:util";
import { expect } from "chai";
import { type ErrorCode, errorCodes, SparkStreamError } from "../../lib/errors.js";
import { version } from "../../lib/version.js";

const details = {
  errorClass: "DIVIDE_BY_ZERO",
  sqlState: "22012",
  messageParameters: { config: "spark.sql.ansi.enabled" },
  operationId: "6b1c1e3a-0000-4000-8000-000000000000",
  queryContext: [{ type: "sql", fragment: "1/0", startIndex: 7, stopIndex: 9, summary: "== SQL ==" }],
} as const;

describe("SparkStreamError", () => {
  it("is an instance of the class of another installed copy of the package, and the other way round", async () => {
    const copy = "../../lib/errors.js?another-copy";
    const other = (await import(copy)) as typeof import("../../lib/errors.js");
    expect(other.SparkStreamError, "the same module").not.to.equal(SparkStreamError);
    expect(new other.SparkStreamError("UNAVAILABLE", "") instanceof SparkStreamError).to.equal(true);
    expect(new SparkStreamError("UNAVAILABLE", "") instanceof other.SparkStreamError).to.equal(true);
  });

  it("has no other error, no plain object and no primitive as an instance", () => {
    for (const value of [new Error("no"), { code: "UNAVAILABLE" }, "UNAVAILABLE", null, undefined, 1]) {
      expect(value instanceof SparkStreamError, inspect(value)).to.equal(false);
    }
  });

  it("is an Error with name, code, message and cause", () => {
    const cause = new Error("ECONNREFUSED");
    const error = new SparkStreamError("UNAVAILABLE", "Nothing answers.", { cause });
    expect(error).to.be.instanceOf(Error);
    expect(error).to.include({ name: "SparkStreamError", code: "UNAVAILABLE", message: "Nothing answers.", cause });
    expect(error.stack).to.match(/^SparkStreamError: Nothing answers\.\n {4}at /);
  });

  it("has no property for what is not known", () => {
    const error = new SparkStreamError("UNAVAILABLE", "Nothing answers.");
    expect(Object.keys(error)).to.deep.equal(["code", "retryable"]);
    expect("cause" in error).to.equal(false);
    expect(inspect(error)).not.to.include("undefined");
  });

  it("becomes plain data as JSON, with all that Spark said but the stack trace of the server", () => {
    const error = new SparkStreamError("QUERY_FAILED", "Division by zero.", {
      ...details,
      serverStackTrace: "at org.apache.spark",
      cause: new Error("13 INTERNAL"),
    });
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({
      name: "SparkStreamError",
      message: "Division by zero.",
      code: "QUERY_FAILED",
      retryable: false,
      ...details,
    });
  });

  it("shows the stack trace of the server to whoever asks for it, and not when it is printed", () => {
    const error = new SparkStreamError("QUERY_FAILED", "No.", { serverStackTrace: "at org.apache.spark.Main" });
    expect(error.serverStackTrace).to.equal("at org.apache.spark.Main");
    expect(inspect(error)).to.include("QUERY_FAILED").and.not.to.include("org.apache.spark");
  });

  it("says whether the same request may succeed later", () => {
    const codes = Object.keys(errorCodes) as ErrorCode[];
    expect(codes.filter((code) => new SparkStreamError(code, "").retryable)).to.deep.equal([
      "UNAVAILABLE",
      "SESSION_LOST",
      "OPERATION_LOST",
      "INCOMPLETE_RESULT",
    ]);
  });

  it("has a meaning for every code", () => {
    for (const [code, meaning] of Object.entries(errorCodes)) {
      expect(code).to.match(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).to.match(/^[A-Z].*\.$/);
    }
  });
});

describe("version", () => {
  it("is that of package.json", async () => {
    const manifest = await readFile(new URL("../../package.json", import.meta.url), "utf8");
    expect(version).to.equal((JSON.parse(manifest) as { version: string }).version);
  });
});
