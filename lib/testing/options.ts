import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { SparkConnectService } from "../connect/generated/spark-connect_pb.js";
import type { Fault } from "./fault.js";
import type { ScriptedResult } from "./scripted-result.js";

/** What the server is like. The parts of a {@link ScriptedResult} given here are the result of every query. */
export interface ScriptedServerOptions extends Omit<ScriptedResult, "responses"> {
  /** Default: "4.3.0". */
  sparkVersion?: string;
  /** Whether it knows CloneSession. Default: as Spark does, from 4.1 on. */
  canClone?: boolean;
  /** Demanded as bearer token of every call. Default: none is. */
  token?: string;
  /** TLS with this certificate, as PEM. With `ca`, clients must show a certificate that it signed. Default: plain text. */
  tls?: { cert: string | Buffer; key: string | Buffer; ca?: string | Buffer };
  /** The settings that every session begins with. */
  conf?: Readonly<Record<string, string>>;
  /** What goes wrong. Faults of one place strike in this order. */
  faults?: readonly Fault[];
  /** Answers of one's own, by the name of the call. */
  respond?: RespondWith;
  /** Bytes that are kept behind the furthest response sent. Default: 10 MiB, as Spark. */
  retryBufferBytes?: number;
  /** Bytes of Arrow data after which a stream ends, to be reattached to. Default: 1 GiB, as Spark. */
  maxStreamBytes?: number;
  /** ms after which a stream ends likewise. Default: two minutes, as Spark. */
  maxStreamMs?: number;
  /** ms after which an operation without a stream is forgotten. Default: five minutes, as Spark. */
  detachedMs?: number;
}

type Methods = Omit<typeof SparkConnectService.method, "addArtifacts">;

/** A call of Spark Connect, such as "executePlan" or "releaseExecute". Uploads (AddArtifacts) are not answered. */
export type ScriptedMethod = keyof Methods;

/** One call that came. */
export type ScriptedRequest = {
  [M in ScriptedMethod]: {
    readonly method: M;
    readonly message: MessageShape<Methods[M]["input"]>;
    /** gRPC metadata: the headers, by their names in lower case. */
    readonly metadata: Readonly<Record<string, string | Buffer>>;
  };
}[ScriptedMethod];

type Answer<M extends ScriptedMethod> = M extends "executePlan"
  ? ScriptedResult
  : M extends "reattachExecute"
    ? never
    : Exclude<MessageInitShape<Methods[M]["output"]>, { $typeName: string }>;

/**
 * A function per call, asked before the server answers by itself, which it does where the function returns undefined. What
 * it throws, made by `sparkError`, is the answer. For `executePlan` an error with an errorClass is that of the query; one
 * without never reached Spark, and leaves no operation there.
 */
export type RespondWith = {
  readonly [M in ScriptedMethod]?: (
    request: MessageShape<Methods[M]["input"]>,
  ) => Answer<M> | undefined | Promise<Answer<M> | undefined>;
};
