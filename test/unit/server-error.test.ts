import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { expect } from "chai";
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "../../lib/connect/generated/google-rpc_pb.js";
import {
  FetchErrorDetailsResponse_QueryContext_ContextType as ContextType,
  FetchErrorDetailsResponseSchema,
} from "../../lib/connect/generated/spark-connect_pb.js";
import { readServerError, withDetails } from "../../lib/connect/rpc/server-error.js";

/** An error as grpc-js has it. */
function serviceError(code: number, details: string, trailer?: Uint8Array): Error {
  const metadata = new Metadata();
  if (trailer) metadata.set("grpc-status-details-bin", Buffer.from(trailer));
  return Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata });
}

const info = (metadata: Record<string, string>) => anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { metadata }));

const trailerOf = (message: string, ...details: ReturnType<typeof info>[]) =>
  toBinary(StatusSchema, create(StatusSchema, { code: status.INTERNAL, message, details }));

const known = { code: status.INTERNAL, message: "cut off…", errorClass: "OLD", errorId: "id", cause: undefined };

describe("readServerError", () => {
  it("has status and text of an error without details, and the error itself as the cause", () => {
    const error = serviceError(status.UNAVAILABLE, "No connection established");
    expect(readServerError(error)).to.deep.equal({ code: 14, message: "No connection established", cause: error });
  });

  it("reads what Spark says in the details", () => {
    const trailer = trailerOf(
      "[DIVIDE_BY_ZERO] Division by zero.",
      info({
        errorClass: "DIVIDE_BY_ZERO",
        sqlState: "22012",
        messageParameters: '{"config":"spark.sql.ansi.enabled"}',
        errorId: "an id",
        classes: '["org.apache.spark.SparkArithmeticException"]',
      }),
    );
    expect(readServerError(serviceError(status.INTERNAL, "[DIVIDE_BY_ZERO] Divi…", trailer))).to.deep.include({
      code: status.INTERNAL,
      message: "[DIVIDE_BY_ZERO] Division by zero.",
      errorClass: "DIVIDE_BY_ZERO",
      sqlState: "22012",
      messageParameters: { config: "spark.sql.ansi.enabled" },
      errorId: "an id",
    });
  });

  it("reads the wait that a server asks for, in ms", () => {
    const retry = (retryDelay?: { seconds: bigint; nanos: number }) =>
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay }));
    const asked = (detail: ReturnType<typeof retry>) =>
      readServerError(serviceError(status.INTERNAL, "", trailerOf("", detail))).retryAfterMs;
    expect(asked(retry({ seconds: 2n, nanos: 500_000_000 }))).to.equal(2_500);
    expect(asked(retry())).to.equal(0);
    expect(asked(info({}) as never)).to.equal(undefined);
  });

  it("does without message parameters that the server cut off", () => {
    const trailer = trailerOf("", info({ errorClass: "A", messageParameters: '{"a":"' }));
    const read = readServerError(serviceError(status.INTERNAL, "text", trailer));
    expect(read).to.include({ errorClass: "A", message: "text" });
    expect(read.messageParameters).to.equal(undefined);
  });

  // A proxy's own details made reading the error fail, and the failure to read it hid the error.
  it("falls back on status and text where the details are no google.rpc.Status", () => {
    const error = serviceError(status.UNAVAILABLE, "upstream connect error", Uint8Array.of(0xff, 0xff, 0xff));
    expect(readServerError(error)).to.deep.equal({ code: 14, message: "upstream connect error", cause: error });
  });

  it("reads the class at the head of the message where the details have none, as Spark 3.5's", () => {
    const classOf = (details: string) => readServerError({ code: 13, details }).errorClass;
    expect(classOf("[TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found.")).to.equal("TABLE_OR_VIEW_NOT_FOUND");
    expect(classOf("[INVALID_HANDLE.SESSION_CLOSED] The handle is invalid.")).to.equal("INVALID_HANDLE.SESSION_CLOSED");
    expect(classOf("[t] no class")).to.equal(undefined);
    expect(classOf("See [CLASS] there")).to.equal(undefined);
  });

  it("takes any other error by its message", () => {
    const error = new TypeError("not a function");
    expect(readServerError(error)).to.deep.equal({ code: -1, message: "not a function", cause: error });
  });

  it("leaves the metadata out when the cause is printed", () => {
    const { cause } = readServerError(serviceError(status.INTERNAL, "text", trailerOf("secret text")));
    expect(inspect(cause, { depth: 9 })).not.to.include("grpc-status-details-bin");
  });
});

describe("withDetails", () => {
  it("puts the whole message, the query contexts and the stack trace in the place of what was cut off", () => {
    const response = create(FetchErrorDetailsResponseSchema, {
      rootErrorIdx: 0,
      errors: [
        {
          message: "the whole message",
          errorTypeHierarchy: ["org.apache.spark.SparkException", "java.lang.Exception"],
          stackTrace: [{ declaringClass: "org.apache.Main", methodName: "run", fileName: "Main.scala", lineNumber: 7 }],
          causeIdx: 1,
          sparkThrowable: {
            errorClass: "NEW",
            sqlState: "42P01",
            messageParameters: { a: "b" },
            queryContexts: [
              { contextType: ContextType.SQL, fragment: "1/0", startIndex: 7, stopIndex: 9, summary: "sum" },
              { contextType: ContextType.DATAFRAME, fragment: "select", startIndex: -1, stopIndex: -1, summary: "" },
            ],
          },
        },
        { message: "root", errorTypeHierarchy: ["java.lang.Error"], causeIdx: 0 },
      ],
    });
    const error = withDetails(known, response);
    expect(error).to.deep.include({
      code: status.INTERNAL,
      message: "the whole message",
      errorClass: "NEW",
      sqlState: "42P01",
      messageParameters: { a: "b" },
      queryContext: [
        { type: "sql", fragment: "1/0", startIndex: 7, stopIndex: 9, summary: "sum" },
        { type: "dataframe", fragment: "select", startIndex: -1, stopIndex: -1, summary: "" },
      ],
      errorId: "id",
    });
    expect(error.serverStackTrace).to.equal(
      "org.apache.spark.SparkException: the whole message\n    at org.apache.Main.run(Main.scala:7)\n" +
        "Caused by: java.lang.Error: root",
    );
  });

  it("keeps what is known where the server knows no more", () => {
    expect(withDetails(known, create(FetchErrorDetailsResponseSchema, {}))).to.equal(known);
    expect(withDetails(known, create(FetchErrorDetailsResponseSchema, { rootErrorIdx: 3 }))).to.equal(known);
    const bare = create(FetchErrorDetailsResponseSchema, { rootErrorIdx: 0, errors: [{ message: "" }] });
    expect(withDetails(known, bare)).to.include({ message: "cut off…", errorClass: "OLD" });
  });
});
