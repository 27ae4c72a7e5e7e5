/**
 * One execution on the server: its responses, from which all its streams are served.
 *
 * Memory: the responses, until they are released, or more than `retryBufferBytes` behind the furthest one sent, as in
 * Spark (spark.connect.execute.reattachable.observerRetryBufferSize). Responses not sent yet are not bounded, as in
 * Spark.
 */
import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type ExecutePlanResponse, ExecutePlanResponseSchema } from "../connect/generated/spark-connect_pb.js";
import type { ResponseInit } from "./scripted-result.js";
import { invalidCursor, invalidHandle, SparkError } from "./spark-error.js";

/**
 * - `running`: not all responses were sent, to any stream.
 * - `complete`: all responses were sent.
 * - `failed`: the query failed, or was interrupted.
 * - `released`: the client released it, or ended the session.
 * - `lost`: a fault made the server forget it, or no stream was attached for too long, or it never reached Spark.
 */
export type OperationState = "running" | "complete" | "failed" | "released" | "lost";

/** An operation as the server saw it. */
export interface ScriptedOperation {
  readonly operationId: string;
  readonly sessionId: string;
  readonly tags: readonly string[];
  readonly state: OperationState;
  /** Whether it was released, or interrupted, while it was running. */
  readonly stopped: boolean;
  /** The number of streams opened on it, including ExecutePlan's. */
  readonly attaches: number;
  /** Whether a stream is open now. */
  readonly attached: boolean;
  /** The number of responses sent, including repeats. */
  readonly responsesSent: number;
  /** Bytes of Arrow data that HTTP/2 has accepted; bytes that wait for the client's flow-control window don't count. */
  readonly bytesSent: number;
  /** The response id of the last ReleaseExecute{release_until}. */
  readonly lastReleaseUntil: string | undefined;
}

/** How long an operation and its responses are kept; see the options of the server. */
export interface OperationLimits {
  readonly retryBufferBytes: number;
  readonly detachedMs: number;
}

export class Operation implements ScriptedOperation {
  readonly operationId: string;
  readonly sessionId: string;
  readonly tags: readonly string[];
  /** The plan's bytes, to recognize a repeated request. */
  readonly plan: Uint8Array;
  /** Settles when the responses are ready, or the query failed. */
  readonly ready: Promise<void>;
  state: OperationState = "running";
  stopped = false;
  attaches = 0;
  responsesSent = 0;
  bytesSent = 0;
  lastReleaseUntil: string | undefined;
  readonly #retryBufferBytes: number;
  readonly #detachedMs: number;
  #forget: NodeJS.Timeout | undefined;
  /** Whether it was dropped because no stream was open for too long. */
  abandoned = false;
  #responses: readonly ExecutePlanResponse[] = [];
  #indexes: ReadonlyMap<string, number> = new Map();
  #failure: unknown;
  /** The first response that is still held. */
  #first = 0;
  /** The first response that was never sent. */
  #unsent = 0;
  /** Bytes from `#first` to `#unsent`. */
  #heldBytes = 0;
  #stream: AbortController | undefined;

  constructor(
    request: { operationId: string; sessionId: string; tags: readonly string[]; plan: Uint8Array },
    responses: Promise<readonly ResponseInit[]>,
    { retryBufferBytes, detachedMs }: OperationLimits,
  ) {
    this.operationId = request.operationId;
    this.sessionId = request.sessionId;
    this.tags = request.tags;
    this.plan = request.plan;
    this.#retryBufferBytes = retryBufferBytes;
    this.#detachedMs = detachedMs;
    this.ready = responses.then(
      (inits) => this.#hold(inits),
      (error) => {
        this.#failure ??= error;
        const classified = error instanceof SparkError && error.init.errorClass !== undefined;
        if (this.state === "running") this.state = classified ? "failed" : "lost";
      },
    );
  }

  get attached(): boolean {
    return this.#stream !== undefined;
  }

  /** The position to continue from. @throws INVALID_CURSOR if it is no longer held, or never was. */
  positionAfter(lastResponseId: string | undefined): number {
    const id = lastResponseId || undefined;
    const position = id === undefined ? 0 : this.#indexOf(id) + 1;
    if (position < this.#first) throw invalidCursor("POSITION_NOT_AVAILABLE", id);
    return position;
  }

  /** The responses from a position on. @throws the query's error */
  async from(position: number): Promise<readonly ExecutePlanResponse[]> {
    await this.ready;
    if (this.#failure !== undefined) throw this.#failure;
    return this.#responses.slice(position);
  }

  /**
   * Attaches a new stream, which replaces the previous one. The signal is aborted when this one is replaced in turn.
   */
  attach(): { signal: AbortSignal; detach: () => void } {
    this.#stream?.abort(invalidCursor("DISCONNECTED"));
    const stream = new AbortController();
    this.#stream = stream;
    this.attaches++;
    clearTimeout(this.#forget);
    const detach = () => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      if (this.#isGone) return;
      this.#forget = setTimeout(() => this.#abandon(), this.#detachedMs).unref();
    };
    return { signal: stream.signal, detach };
  }

  /** Records that a response was sent, and drops responses that are too far behind it. */
  sent(response: ExecutePlanResponse): void {
    this.responsesSent++;
    this.bytesSent += bytesOf(response);
    const index = this.#indexOf(response.responseId);
    for (; this.#unsent <= index; this.#unsent++) this.#heldBytes += bytesOf(this.#responses[this.#unsent]!);
    while (this.#heldBytes > this.#retryBufferBytes && this.#first < this.#unsent - 1) this.#dropFirst();
    if (this.#unsent === this.#responses.length && this.state === "running") this.state = "complete";
  }

  releaseUntil(responseId: string): void {
    this.lastReleaseUntil = responseId;
    const end = this.#indexOf(responseId) + 1;
    while (this.#first < end) this.#dropFirst();
  }

  /** Makes the query fail, for streams attached now or later. */
  stop(error: Error): void {
    this.stopped ||= this.state === "running";
    this.state = "failed";
    this.#failure = error;
    this.#stream?.abort(error);
  }

  /** Drops the operation. Its stream ends with this error. */
  end(state: "released" | "lost", error: Error = invalidHandle("OPERATION_ABANDONED", this.operationId)): void {
    this.stopped ||= state === "released" && this.state === "running";
    this.state = state;
    clearTimeout(this.#forget);
    this.#stream?.abort(error);
  }

  get #isGone(): boolean {
    return this.state === "released" || this.state === "lost";
  }

  #abandon(): void {
    this.abandoned = true;
    this.end("lost");
  }

  #hold(responses: readonly ResponseInit[]): void {
    const { sessionId, operationId } = this;
    this.#responses = responses.map((response) =>
      create(ExecutePlanResponseSchema, { sessionId, operationId, responseId: randomUUID(), ...response }),
    );
    this.#indexes = new Map(this.#responses.map(({ responseId }, index) => [responseId, index]));
  }

  #dropFirst(): void {
    if (this.#first < this.#unsent) this.#heldBytes -= bytesOf(this.#responses[this.#first]!);
    else this.#unsent = this.#first + 1;
    this.#first++;
  }

  #indexOf(responseId: string): number {
    const index = this.#indexes.get(responseId);
    if (index === undefined) throw invalidCursor("POSITION_NOT_FOUND", responseId);
    return index;
  }
}

function bytesOf({ responseType }: ExecutePlanResponse): number {
  return responseType.case === "arrowBatch" ? responseType.value.data.length : 0;
}
