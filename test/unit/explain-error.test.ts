import { status } from "@grpc/grpc-js";
import { expect } from "chai";
import { Endpoint } from "../../lib/connect/rpc/endpoint.js";
import { explainError } from "../../lib/connect/rpc/explain-error.js";
import type { ServerError } from "../../lib/connect/rpc/server-error.js";
import { type ErrorCode, SparkStreamError } from "../../lib/errors.js";

const server = new Endpoint("sc://spark.example.com");
const explain = (error: Partial<ServerError>, endpoint = server) =>
  explainError({ code: status.INTERNAL, message: "the server's words", cause: undefined, ...error }, endpoint, "an id");

describe("explainError", () => {
  const cases: [what: string, error: Partial<ServerError>, code: ErrorCode, says: RegExp][] = [
    ["what Spark says of a query", {}, "QUERY_FAILED", /^the server's words$/],
    [
      "a server that is not there",
      { code: status.UNAVAILABLE },
      "UNAVAILABLE",
      /spark\.example\.com:15002.*host and port/,
    ],
    ["a call that takes too long", { code: status.DEADLINE_EXCEEDED }, "UNAVAILABLE", /did not answer in time/],
    ["a missing token", { code: status.UNAUTHENTICATED }, "UNAUTHENTICATED", /requires a token. Give one/],
    ["a refusal", { code: status.PERMISSION_DENIED }, "PERMISSION_DENIED", /refuses: the server's words/],
    ["an unknown call", { code: status.UNIMPLEMENTED }, "UNSUPPORTED", /older than Spark 3.5/],
    [
      "a batch over the limit here",
      { code: status.RESOURCE_EXHAUSTED, message: "Received message larger than max (5 vs 4)" },
      "MESSAGE_TOO_LARGE",
      /than the limit of 134217728 bytes.*chunks.*maxRecordsPerBatch.*grpc_max_message_size/,
    ],
    // The advice was that for a batch.
    [
      "an upload over the server's limit",
      { code: status.RESOURCE_EXHAUSTED, message: "gRPC message exceeds maximum size 134217728: 200000000" },
      "MESSAGE_TOO_LARGE",
      /^A request was larger than the server at spark\.example\.com:15002 accepts.*createDataFrame.*maxInboundMessageSize/,
    ],
    [
      "a server that has had enough",
      { code: status.RESOURCE_EXHAUSTED, message: "too many requests" },
      "UNAVAILABLE",
      /is overloaded or has reached a limit: too many requests/,
    ],
    [
      "bytes that are no message",
      { code: status.INTERNAL, message: "Response message parsing error: premature EOF" },
      "UNSUPPORTED",
      /not a message of its protocol: .*premature EOF.*does not speak Spark Connect/,
    ],
    [
      "a failure without a word",
      { code: status.UNKNOWN, message: "2 UNKNOWN: " },
      "QUERY_FAILED",
      /15002 failed without saying why \(2 UNKNOWN:\)\. Its log has the reason\. .* nested too deeply/,
    ],
    ["a failure of an unknown kind, with its words", { code: status.UNKNOWN }, "QUERY_FAILED", /^the server's words$/],
    [
      "a message that is nested deeper than any is read",
      {
        message:
          "A response cannot be read: cannot decode message spark.connect.DataType: maximum recursion depth of 1024 reached",
      },
      "UNSUPPORTED",
      /nested deeper than 1024 levels/,
    ],
    [
      "no room for another connection",
      { code: status.UNAVAILABLE, message: "connect EMFILE" },
      "UNAVAILABLE",
      /ulimit -n/,
    ],
    ["a cancelled call", { code: status.CANCELLED }, "OPERATION_CANCELED", /cancelled/],
    ["an interrupt", { errorClass: "OPERATION_CANCELED" }, "OPERATION_CANCELED", /interrupted/],
    ["an interrupt by its SQLSTATE", { sqlState: "HY008" }, "OPERATION_CANCELED", /interrupted/],
    ["an unknown session", { errorClass: "INVALID_HANDLE.SESSION_NOT_FOUND" }, "SESSION_LOST", /Connect again/],
    ["a restarted server", { errorClass: "INVALID_HANDLE.SESSION_CHANGED" }, "SESSION_LOST", /restarted/],
    [
      "a closed session",
      { errorClass: "INVALID_HANDLE.SESSION_CLOSED" },
      "SESSION_LOST",
      /another client .* closed it.* Connect again/,
    ],
    ["an unknown operation", { errorClass: "INVALID_HANDLE.OPERATION_NOT_FOUND" }, "OPERATION_LOST", /again/],
    ["an abandoned operation", { errorClass: "INVALID_HANDLE.OPERATION_ABANDONED" }, "OPERATION_LOST", /again/],
    ["a position that is gone", { errorClass: "INVALID_CURSOR.POSITION_NOT_AVAILABLE" }, "OPERATION_LOST", /again/],
    [
      "a result over the driver's limit",
      {
        message:
          "Job aborted due to stage failure: Total size of serialized results of 17 tasks (1060.1 MiB) is bigger than " +
          "spark.driver.maxResultSize (1024.0 MiB)",
      },
      "RESULT_TOO_LARGE",
      /larger than spark\.driver\.maxResultSize allows\. .*delivery: "staged".*spark\.driver\.maxResultSize/,
    ],
  ];
  for (const [what, error, code, says] of cases) {
    it(`explains ${what} as ${code}`, () => {
      expect(explain(error)).to.include({ code }).with.property("message").that.matches(says);
    });
  }

  it("says of a token that was given that it is not accepted", () => {
    const endpoint = new Endpoint("sc://spark.example.com", { token: "t" });
    expect(explain({ code: status.UNAUTHENTICATED }, endpoint).message).to.match(/does not accept the token/);
  });

  // Whoever had a result too large and set the limit in the session was told again that the result was too large.
  it("takes no other mention of the driver's limit for a result that is over it", () => {
    for (const message of [
      'Cannot modify the value of the Spark config: "spark.driver.maxResultSize".',
      "A column with name `maxResultSize` cannot be resolved.",
    ]) {
      expect(explain({ message, errorClass: "CANNOT_MODIFY_CONFIG" })).to.have.property("code", "QUERY_FAILED");
    }
  });

  describe("of a connection", () => {
    const failure = (lastError: string, endpoint = server) =>
      explain(
        {
          code: status.UNAVAILABLE,
          message: `No connection established. Last error: ${lastError}. Resolution note: `,
        },
        endpoint,
      );

    for (const lastError of [
      "Error: self-signed certificate",
      "Error: unable to get local issuer certificate",
      "Error: certificate has expired",
      "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: spark.example.com",
      "Error: 00B8:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:",
    ]) {
      it(`explains a handshake that fails with ${lastError.slice(0, 60)} as TLS_FAILED`, () => {
        expect(failure(lastError)).to.have.property("code", "TLS_FAILED");
      });
    }

    // "crosslink" has "ssl" in it: its users were told to give a certificate authority for a host that did not exist.
    it("takes the name of a host for no sign of TLS", () => {
      for (const host of ["crosslink.example.com", "tls.example.com", "certificates"]) {
        const endpoint = new Endpoint(`sc://${host}`);
        expect(failure(`getaddrinfo ENOTFOUND ${host}`, endpoint)).to.have.property("code", "UNAVAILABLE");
      }
    });
  });

  it("hands on all that is known, and which operation it was", () => {
    const cause = new Error("13 INTERNAL");
    const queryContext = [{ type: "sql", fragment: "1", startIndex: 0, stopIndex: 0, summary: "" }] as const;
    const known = { errorClass: "A", sqlState: "42000", messageParameters: { a: "b" }, serverStackTrace: "at x" };
    const error = explain({ ...known, cause, queryContext });
    expect(error).to.include({ ...known, cause, queryContext, operationId: "an id" });
  });

  it("leaves an error as it is that was raised here, before there was a call", () => {
    const cause = new SparkStreamError("INVALID_ARGUMENT", "The token must be printable ASCII.");
    expect(explain({ code: -1, message: cause.message, cause })).to.equal(cause);
  });
});
