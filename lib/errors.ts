/**
 * The error codes: the `code` of every {@link SparkStreamError}. A later version may have more of them, so a program treats
 * one that it does not know like any other failure. The text of each entry is the meaning shown in the documentation.
 */
export const errorCodes = {
  INVALID_ARGUMENT: "An argument or option is malformed, unknown, or does not fit the others.",
  INVALID_URL: "The Spark Connect URL cannot be parsed.",

  UNAVAILABLE: "Nothing answers at the server's address, or the connection was lost and could not be restored.",
  UNREACHABLE: "Spark's executors cannot connect to this process, or one of their connections was cut for good.",
  STORE_FAILED:
    "The store between Spark and this process cannot be written or read; the message says which side failed.",
  TLS_FAILED: "The two sides do not agree on TLS: a certificate that is not trusted, or plain text against TLS.",
  UNAUTHENTICATED: "The server does not accept the token, or requires one.",
  PERMISSION_DENIED: "The server knows the caller and refuses the call.",

  QUERY_FAILED: "Spark refused the query or failed while running it; errorClass and sqlState say why.",
  RESULT_TOO_LARGE: "The result is larger than spark.driver.maxResultSize.",
  MESSAGE_TOO_LARGE: "A message is larger than the limit of the client or of the server.",
  UNSUPPORTED: "The server, or this version of Node, cannot do what was requested.",

  SESSION_CLOSED: "The session was closed here, before or during the call.",
  SESSION_LOST:
    "The server no longer has the session: another client closed it, it was idle for too long, or the server was restarted.",
  OPERATION_LOST: "The server no longer has the rest of a result that was being read.",
  OPERATION_CANCELED: "The operation was interrupted, here or on the server.",

  INPUT_LOST:
    "Rows of a stream, which can be read only once, were lost on their way into Spark, or Spark wanted them again.",
  INCOMPLETE_RESULT: "The rows that arrived are not the whole result: some are missing or out of order.",
  NOT_DETERMINISTIC: "A partition was recomputed and has different data, after some of it had been delivered.",
  INVALID_IPC: "The bytes are not a valid Arrow IPC stream.",
  SCHEMA_MISMATCH: "A record batch does not have the schema of the stream.",
  UNSUPPORTED_TYPE: "A column's type has no exact counterpart in the target format.",
  INVALID_INPUT: "A stage received something that it does not accept.",
  WRITE_FAILED: "The target cannot be written.",
  TARGET_CLOSED:
    "The other end closed the target before everything was written: a client disconnected, or a pipe went into `head`.",

  PYTHON_NOT_FOUND: "Installing a local Spark needs Python, and there is no usable python3.",
  JAVA_NOT_FOUND: "There is no usable Java for a local Spark, and none could be installed.",
  JAVA_TOO_OLD: "The Java in JAVA_HOME is older than Spark needs.",
  INSTALL_FAILED: "Installing the local Spark failed.",
  LOCAL_SPARK_FAILED: "The local Spark did not start, or ended unexpectedly.",
  PORT_IN_USE: "Another process listens on the requested port.",
} as const;

/** One of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** Codes of failures that pass: a connection, a session or an operation was lost, and the request was not at fault. */
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  "UNAVAILABLE",
  "SESSION_LOST",
  "OPERATION_LOST",
  "INCOMPLETE_RESULT",
]);

/** The place where Spark found the error: in the SQL text, or in the calls that made the DataFrame. */
export interface QueryContext {
  /** "sql" for SQL text, "dataframe" for a DataFrame call. */
  readonly type: "sql" | "dataframe";
  /** The piece of SQL text, or the name of the DataFrame function. */
  readonly fragment: string;
  /** Characters from the start of the SQL text, from 0; -1 if Spark does not report it. */
  readonly startIndex: number;
  /** The last character of the piece, inclusive; -1 if Spark does not report it. */
  readonly stopIndex: number;
  /** Spark's own summary: the line with a marker under it. */
  readonly summary: string;
}

/** The optional fields of a {@link SparkStreamError}, besides its code and message. */
export interface ErrorDetails {
  cause?: unknown;
  /** Spark's error class (also called error condition), e.g. `TABLE_OR_VIEW_NOT_FOUND`. */
  errorClass?: string;
  /** The five characters of ANSI SQL, e.g. `42P01`. */
  sqlState?: string;
  messageParameters?: Readonly<Record<string, string>>;
  operationId?: string;
  queryContext?: readonly QueryContext[];
  serverStackTrace?: string;
}

const brand = Symbol.for("spark-arrow-stream.error");

/**
 * The one error class of this package. `code` is the kind of error; the message says what happened and what to do about
 * it. `instanceof` also works between two installed copies of the package.
 */
export class SparkStreamError extends Error {
  readonly code: ErrorCode;
  /**
   * Whether the same request may succeed later, unchanged: after SESSION_LOST in a new session. A query that was read in part
   * begins anew. A command such as INSERT may have taken effect before its connection was lost: look before it runs again.
   */
  readonly retryable: boolean;
  readonly errorClass: string | undefined;
  readonly sqlState: string | undefined;
  readonly messageParameters: Readonly<Record<string, string>> | undefined;
  readonly operationId: string | undefined;
  readonly queryContext: readonly QueryContext[] | undefined;
  /** The server's stack trace, as Spark's own clients show it. It is not shown when the error is printed. */
  declare readonly serverStackTrace: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = retryableCodes.has(code);
    this.errorClass = details.errorClass;
    this.sqlState = details.sqlState;
    this.messageParameters = details.messageParameters;
    this.operationId = details.operationId;
    this.queryContext = details.queryContext;
    // Long and seldom useful: readable as a property, but not enumerable, so that it is not in every log line.
    Object.defineProperty(this, "serverStackTrace", { value: details.serverStackTrace, enumerable: false });
    for (const key of Object.keys(this) as (keyof this)[]) if (this[key] === undefined) delete this[key];
  }

  static {
    Object.defineProperty(SparkStreamError.prototype, "name", { value: "SparkStreamError", configurable: true });
    Object.defineProperty(SparkStreamError.prototype, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** The error as plain data for logs; never contains a token. */
  toJSON(): Record<string, unknown> {
    return Object.assign({ name: this.name, message: this.message }, this as object);
  }
}

/** The error of everything that is running in a session when the session is closed. */
export function sessionClosed(cause?: unknown): SparkStreamError {
  return new SparkStreamError("SESSION_CLOSED", "The session was closed while this ran. Connect again.", { cause });
}

/** @param reason a clause that says how the received rows differ from those that Spark sent */
export function incompleteResult(reason: string): SparkStreamError {
  const message = `The result is not what Spark sent: ${reason}. Run the query again.`;
  return new SparkStreamError("INCOMPLETE_RESULT", message);
}

/** What Spark's DAGScheduler says when tasks have failed, which has no class: a disk is full, an executor is lost. */
const JOB_FAILED = /\bJob aborted due to stage failure\b/;

/**
 * Whether a server other than Spark refused a query: Spark's errors have a class, but for those of jobs that ran; those of Sail
 * for missing features have none.
 */
export function isRefusalWithoutClass(error: unknown): error is SparkStreamError {
  if (!(error instanceof SparkStreamError) || error.code !== "QUERY_FAILED") return false;
  return error.errorClass === undefined && !JOB_FAILED.test(error.message);
}
