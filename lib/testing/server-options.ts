import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { SparkConnectService } from "../connect/generated/spark-connect_pb.js";
import {
  byteCount,
  callback,
  checkOptions,
  filled,
  flag,
  INT_MAX,
  isBag,
  isFilled,
  isText,
  milliseconds,
  nested,
  type OptionTable,
  required,
  secret,
  strings,
  whole,
} from "../runtime/check-options.js";
import type { Fault, FaultAction } from "./fault.js";
import { isBatches } from "./plain-batches.js";
import type { ScriptedResult } from "./scripted-result.js";
import { checkErrorInit } from "./spark-error-init.js";

/** The options of the server. The parts of a {@link ScriptedResult} given here are the result of every query. */
export interface ScriptedServerOptions extends Omit<ScriptedResult, "responses"> {
  /** Default: "4.3.0". */
  sparkVersion?: string;
  /** Whether it supports CloneSession. Default: true from Spark 4.1 on, as in Spark. */
  canClone?: boolean;
  /** The bearer token that every call must have. Default: none. */
  token?: string;
  /** TLS with this certificate, as PEM. With `ca`, clients must show a certificate that it signed. Default: plain text. */
  tls?: { cert: string | Buffer; key: string | Buffer; ca?: string | Buffer };
  /** The initial settings of every session. */
  conf?: Readonly<Record<string, string>>;
  /** The faults to inject. Several faults at one place occur in this order. */
  faults?: readonly Fault[];
  /** Your own answers, by the name of the call. */
  respond?: RespondWith;
  /** Bytes that are kept behind the furthest response sent. Default: 10 MiB, as in Spark. */
  retryBufferBytes?: number;
  /** Bytes of Arrow data after which a stream ends, to be reattached to. Default: 1 GiB, as in Spark. */
  maxStreamBytes?: number;
  /** ms after which a stream ends in the same way. Default: two minutes, as in Spark. */
  maxStreamMs?: number;
  /** ms after which an operation without a stream is dropped. Default: five minutes, as in Spark. */
  detachedMs?: number;
}

type Methods = Omit<typeof SparkConnectService.method, "addArtifacts">;

/** A call of Spark Connect, such as "executePlan" or "releaseExecute". Uploads (AddArtifacts) are not answered. */
export type ScriptedMethod = keyof Methods;

/** A call that the server received. */
export type ScriptedRequest = {
  [M in ScriptedMethod]: {
    readonly method: M;
    readonly message: MessageShape<Methods[M]["input"]>;
    /** The gRPC metadata: headers by lower-case name. */
    readonly metadata: Readonly<Record<string, string | Buffer>>;
  };
}[ScriptedMethod];

type Answer<M extends ScriptedMethod> = M extends "executePlan"
  ? ScriptedResult
  : M extends "reattachExecute"
    ? never
    : Exclude<MessageInitShape<Methods[M]["output"]>, { $typeName: string }>;

const { addArtifacts: _, ...methods } = SparkConnectService.method;

/**
 * A function per call, called before the server answers by itself, which it does if the function returns undefined. An
 * error that it throws, made by `sparkError`, is the answer. For `executePlan` an error with an errorClass is the
 * query's error; one without a class means that the call never reached Spark, and leaves no operation there.
 */
export type RespondWith = {
  readonly [M in ScriptedMethod]?: (
    request: MessageShape<Methods[M]["input"]>,
  ) => Answer<M> | undefined | Promise<Answer<M> | undefined>;
};

const pem = secret([(value) => isFilled(value) || Buffer.isBuffer(value), "a certificate or key in PEM"]);
const tlsOptions: OptionTable<NonNullable<ScriptedServerOptions["tls"]>> = {
  cert: required(pem),
  key: required(pem),
  ca: pem,
};

const serverOptions: OptionTable<ScriptedServerOptions> = {
  batches: [isBatches, "an apache-arrow Table or an array of RecordBatches"],
  chunkBytes: whole(1, INT_MAX, "bytes"),
  offsets: flag,
  progress: flag,
  sparkVersion: filled,
  canClone: flag,
  token: secret(filled),
  tls: nested(tlsOptions),
  conf: strings,
  faults: [Array.isArray, "an array of faults"],
  respond: nested(Object.fromEntries(Object.keys(methods).map((name) => [name, callback]))),
  retryBufferBytes: [(bytes) => typeof bytes === "number" && bytes >= 0, "a number of bytes"],
  maxStreamBytes: byteCount,
  maxStreamMs: milliseconds,
  detachedMs: milliseconds,
};

const actions: { readonly [action in Extract<FaultAction, string>]: true } = {
  cut: true,
  end: true,
  stall: true,
  goaway: true,
  forget: true,
  restart: true,
  duplicate: true,
  drop: true,
  swap: true,
  corrupt: true,
  miscount: true,
};

const index = whole(0, INT_MAX);
const faultOptions: OptionTable<Fault> = {
  operation: index,
  stream: index,
  after: index,
  do: required([
    (action) => isBag(action) || (isText(action) && Object.hasOwn(actions, action)),
    `one of ${Object.keys(actions).join(", ")}, or { delayMs }, { status } or { sessionId }`,
  ]),
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkServerOptions(options: ScriptedServerOptions): void {
  checkOptions("startScriptedServer()", options, serverOptions);
  for (const fault of options.faults ?? []) checkFault(fault);
}

function checkFault(fault: Fault): void {
  checkOptions("a fault", fault, faultOptions);
  const action = fault.do;
  if (typeof action === "string") return;
  checkOptions<object>("a fault's action", action, {
    delayMs: milliseconds,
    status: [isBag, "an object"],
    sessionId: filled,
  });
  if ("status" in action) checkErrorInit("a fault's status", action.status);
}
