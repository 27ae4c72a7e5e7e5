/**
 * Makes errors as a Spark Connect server sends them: a gRPC status, with details in the trailer
 * `grpc-status-details-bin` (google.rpc.Status with ErrorInfo and RetryInfo), and all details in the answer to
 * FetchErrorDetails.
 */
import { randomUUID } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "../connect/generated/google-rpc_pb.js";
import {
  FetchErrorDetailsResponse_QueryContext_ContextType as ContextType,
  type FetchErrorDetailsResponseSchema,
} from "../connect/generated/spark-connect_pb.js";
import { checkErrorInit, type SparkErrorInit } from "./spark-error-init.js";

/** An error that is the server's answer if it is thrown while a call is answered. */
export class SparkError extends Error {
  readonly init: SparkErrorInit;

  constructor(init: SparkErrorInit) {
    super(init.message);
    this.init = init;
  }
}

/**
 * Makes an error that is the server's answer if one of `respond`'s functions throws it.
 *
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function sparkError(init: SparkErrorInit): Error {
  checkErrorInit("sparkError()", init);
  return new SparkError(init);
}

/** INVALID_HANDLE: the operation or session does not exist, or no longer in the state that the client assumes. */
export function invalidHandle(
  reason:
    | "OPERATION_NOT_FOUND"
    | "OPERATION_ABANDONED"
    | "OPERATION_ALREADY_EXISTS"
    | "SESSION_CHANGED"
    | "SESSION_CLOSED",
  handle: string,
): Error {
  const sqlState = reason.startsWith("SESSION") ? "08003" : "HY000";
  return classified(`INVALID_HANDLE.${reason}`, sqlState, `The handle ${handle} is invalid.`, { handle });
}

/** INVALID_CURSOR: a position from which a result cannot be read. */
export function invalidCursor(
  reason: "DISCONNECTED" | "POSITION_NOT_AVAILABLE" | "POSITION_NOT_FOUND",
  responseId = "",
): Error {
  return classified(`INVALID_CURSOR.${reason}`, "HY109", "The cursor is invalid.", { responseId });
}

export function classified(
  errorClass: string,
  sqlState: string,
  text: string,
  messageParameters: Record<string, string> = {},
): Error {
  const message = `[${errorClass}] ${text} SQLSTATE: ${sqlState}`;
  return new SparkError({ message, errorClass, sqlState, messageParameters });
}

/** The errors of one server: as gRPC sends them, and by the ids that FetchErrorDetails asks for. */
export class SparkErrors {
  readonly #byId = new Map<string, SparkErrorInit>();

  /** Makes the status of a failed call for grpc-js. */
  status(error: unknown): Error & { code: status; details: string; metadata: Metadata } {
    const init = error instanceof SparkError ? error.init : { code: "UNKNOWN" as const, message: String(error) };
    const code = status[init.code ?? "INTERNAL"];
    return Object.assign(new Error(init.message), { code, details: init.message, metadata: this.#trailer(init, code) });
  }

  details(errorId: string): MessageInitShape<typeof FetchErrorDetailsResponseSchema> {
    const init = this.#byId.get(errorId);
    if (!init) return {};
    const { message, errorClass, sqlState, messageParameters, queryContext = [] } = init;
    const queryContexts = queryContext.map(({ type, ...context }) => ({
      ...context,
      contextType: type === "dataframe" ? ContextType.DATAFRAME : ContextType.SQL,
    }));
    const sparkThrowable = {
      ...(errorClass !== undefined && { errorClass }),
      ...(sqlState !== undefined && { sqlState }),
      messageParameters: { ...messageParameters },
      queryContexts,
    };
    const stackTrace = [{ declaringClass: "scripted.Server", methodName: "answer", fileName: "Server.scala" }];
    return {
      rootErrorIdx: 0,
      errors: [{ errorTypeHierarchy: ["org.apache.spark.SparkException"], message, stackTrace, sparkThrowable }],
    };
  }

  #trailer(init: SparkErrorInit, code: number): Metadata {
    const metadata = new Metadata();
    const details = [];
    if (init.errorClass !== undefined) {
      const errorId = randomUUID();
      this.#byId.set(errorId, init);
      const told = {
        errorId,
        errorClass: init.errorClass,
        ...(init.sqlState !== undefined && { sqlState: init.sqlState }),
        messageParameters: JSON.stringify(init.messageParameters ?? {}),
      };
      const info = { reason: "org.apache.spark.SparkException", domain: "org.apache.spark", metadata: told };
      details.push(anyPack(ErrorInfoSchema, create(ErrorInfoSchema, info)));
    }
    if (init.retryAfterMs !== undefined) {
      const seconds = Math.floor(init.retryAfterMs / 1000);
      const nanos = Math.round((init.retryAfterMs - seconds * 1000) * 1e6);
      const retryDelay = create(DurationSchema, { seconds: BigInt(seconds), nanos });
      details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
    }
    if (details.length > 0) {
      const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message: init.message, details }));
      metadata.set("grpc-status-details-bin", Buffer.from(bytes));
    }
    return metadata;
  }
}
