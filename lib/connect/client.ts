/** The calls of one session, with what every request carries, retries, and errors in this package's terms. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { SparkStreamError } from "../errors.js";
import { Channel, type UnaryOptions } from "./channel.js";
import type { Endpoint } from "./endpoint.js";
import { readExecutePlanResponse } from "./execute-response.js";
import { Execution, type ExecutionCalls } from "./execution.js";
import { explainError } from "./explain-error.js";
import { chunkBytes, largestWindow } from "./flow-control.js";
import {
  type AnalyzePlanRequestSchema,
  type AnalyzePlanResponse,
  type ConfigRequest_OperationSchema,
  ExecutePlanRequestSchema,
  InterruptRequest_InterruptType as InterruptType,
  type KeyValue,
  type PlanSchema,
  PlanSchema as planSchema,
  ReattachExecuteRequestSchema,
  SparkConnectService,
} from "./generated/spark-connect_pb.js";
import { defaultRetryPolicy, isTokenRefused, type RetryPolicy, retryWait } from "./retry.js";
import { readServerError, type ServerError, withDetails } from "./server-error.js";
import { defaultStreamLimits, readStreamLimits, type StreamLimits, streamLimitKeys } from "./stream-limits.js";

const { method } = SparkConnectService;

/** ms for calls that must not hold up anything. */
export const SHORT_TIMEOUT = 5_000;
const short = { timeoutMs: SHORT_TIMEOUT, policy: { ...defaultRetryPolicy, maxRetries: 2 } };

type AnalyzeInit = MessageInitShape<typeof AnalyzePlanRequestSchema>["analyze"];
type AnalyzeCase = NonNullable<NonNullable<AnalyzeInit>["case"]>;
type AnalyzeResult<C> = Extract<AnalyzePlanResponse["result"], { case: C }>["value"];

interface CallOptions extends UnaryOptions {
  policy?: RetryPolicy;
}

export interface ExecuteOptions {
  tags?: readonly string[];
}

export interface CommandOptions extends ExecuteOptions {
  signal?: AbortSignal;
}

export class Client {
  readonly endpoint: Endpoint;
  readonly sessionId: string;
  readonly #channel: Channel;
  #serverSessionId: string | undefined;
  #limits: Promise<StreamLimits> | undefined;
  /** As they are known at this moment. */
  #knownLimits = defaultStreamLimits;
  readonly #closing = new AbortController();

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    this.sessionId = endpoint.sessionId ?? randomUUID();
    this.#channel = new Channel(endpoint);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** @throws SparkStreamError SESSION_CLOSED */
  checkOpen(): void {
    if (this.closed) throw new SparkStreamError("SESSION_CLOSED", "The session is closed. Connect again.");
  }

  async analyze<C extends AnalyzeCase>(
    analyze: AnalyzeInit & { case: C },
    options?: CallOptions,
  ): Promise<AnalyzeResult<C>> {
    const { result } = await this.#call(method.analyzePlan, { analyze }, options);
    if (result.case !== analyze.case) throw unexpectedAnswer(`${result.case} for ${analyze.case}`);
    return result.value as AnalyzeResult<C>;
  }

  async config(
    opType: MessageInitShape<typeof ConfigRequest_OperationSchema>["opType"],
    options?: CallOptions,
  ): Promise<KeyValue[]> {
    return (await this.#call(method.config, { operation: { opType } }, options)).pairs;
  }

  /** What the server allows a stream; asked once. Never rejects. */
  limits(): Promise<StreamLimits> {
    this.#limits ??= this.config({ case: "getOption", value: { keys: [...streamLimitKeys] } }, short).then(
      (pairs) => {
        this.#knownLimits = readStreamLimits(pairs);
        this.#channel.largestWindow = this.#largestWindow(this.#knownLimits);
        return this.#knownLimits;
      },
      () => {
        this.#limits = undefined; // the next time the server may answer
        return defaultStreamLimits;
      },
    );
    return this.#limits;
  }

  /** Runs a plan; nothing is sent before the first `next()`. */
  execution(plan: MessageInitShape<typeof PlanSchema>, { tags = [] }: ExecuteOptions = {}): Execution {
    this.checkOpen();
    const calls: ExecutionCalls = {
      execute: (operationId, executed) =>
        this.#channel.serverStream(
          method.executePlan,
          create(ExecutePlanRequestSchema, {
            ...this.#common(),
            operationId,
            plan: executed,
            tags: [...tags],
            requestOptions: [
              { requestOption: { case: "reattachOptions", value: { reattachable: true } } },
              { requestOption: { case: "resultChunkingOptions", value: this.#chunking() } },
            ],
          }),
          readExecutePlanResponse,
        ),
      reattach: (operationId, lastResponseId) =>
        this.#channel.serverStream(
          method.reattachExecute,
          create(ReattachExecuteRequestSchema, {
            ...this.#common(),
            operationId,
            ...(lastResponseId !== undefined && { lastResponseId }),
          }),
          readExecutePlanResponse,
        ),
      releaseUntil: (operationId, responseId) =>
        this.#call(
          method.releaseExecute,
          { operationId, release: { case: "releaseUntil", value: { responseId } } },
          { timeoutMs: SHORT_TIMEOUT, policy: { ...defaultRetryPolicy, maxRetries: 0 } },
        ),
      releaseAll: (operationId) =>
        this.#call(method.releaseExecute, { operationId, release: { case: "releaseAll", value: {} } }, short),
      interrupt: (operationId) => this.interrupt({ operationId }, short),
      readError: (error) => this.#readError(error),
      explain: (error, operationId) => this.#explain(error, operationId),
      checkSession: (response) => this.#checkSession(response),
      limits: () => this.limits(),
      mostInFlight: (limits) => this.#largestWindow(limits),
      tokenRotates: this.endpoint.tokenRotates,
      closing: this.#closing.signal,
    };
    return new Execution(calls, create(planSchema, plan));
  }

  /** Runs a command and gives what it answers, besides the end of it. An abort ends that, and the command. */
  async command(plan: MessageInitShape<typeof PlanSchema>, { signal, ...options }: CommandOptions = {}) {
    signal?.throwIfAborted();
    const execution = this.execution(plan, options);
    const responses = [];
    signal?.addEventListener("abort", () => execution.close(), { once: true });
    try {
      for (let next = await execution.next(); next; next = await execution.next()) responses.push(next);
    } finally {
      await execution.close();
    }
    return responses;
  }

  /** Interrupts on the server. Resolves to the ids of the operations that were running. */
  async interrupt(what: "all" | { tag: string } | { operationId: string }, options?: CallOptions): Promise<string[]> {
    const request =
      what === "all"
        ? { interruptType: InterruptType.ALL }
        : "tag" in what
          ? { interruptType: InterruptType.TAG, interrupt: { case: "operationTag" as const, value: what.tag } }
          : {
              interruptType: InterruptType.OPERATION_ID,
              interrupt: { case: "operationId" as const, value: what.operationId },
            };
    return (await this.#call(method.interrupt, request, options)).interruptedIds;
  }

  /** Ends the session on the server, with all that runs in it, and closes the connections. Never rejects. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#closing.abort();
    try {
      await this.#channel.unary(method.releaseSession, create(method.releaseSession.input, this.#common()), {
        timeoutMs: SHORT_TIMEOUT,
      });
    } catch {
      // The server ends an idle session by itself; servers before 4.0 know no other way.
    } finally {
      this.#channel.close();
    }
  }

  /** Closes the connections without a word to the server. */
  abandon(): void {
    this.#closing.abort();
    this.#channel.close();
  }

  #common() {
    return {
      sessionId: this.sessionId,
      userContext: { userId: this.endpoint.userId, userName: this.endpoint.userId },
      clientType: this.endpoint.userAgent,
      ...(this.#serverSessionId !== undefined && { clientObservedServerSideSessionId: this.#serverSessionId }),
    };
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    rpc: DescMethodUnary<I, O>,
    init: object,
    { policy = defaultRetryPolicy, ...options }: CallOptions = {},
  ): Promise<MessageShape<O>> {
    this.checkOpen();
    let tokenMayBeOld = this.endpoint.tokenRotates;
    for (let retry = 1; ; retry++) {
      try {
        const request = create(rpc.input, { ...this.#common(), ...init } as unknown as MessageInitShape<I>);
        const response = await this.#channel.unary(rpc, request, options);
        this.#checkSession(response as { serverSideSessionId?: string });
        return response;
      } catch (error) {
        if (error instanceof SparkStreamError) throw error;
        this.checkOpen();
        const failure = this.#readError(error);
        if (tokenMayBeOld && isTokenRefused(failure)) {
          tokenMayBeOld = false; // the next call asks for another one
          continue;
        }
        const wait = retryWait(failure, retry, policy);
        if (wait === undefined) throw await this.#explain(failure);
        await sleep(wait, undefined, { signal: this.#closing.signal }).catch(() => {});
        this.checkOpen();
      }
    }
  }

  /** Batches come in chunks if they are large, of a size that fits into a message and can be sent again. */
  #chunking() {
    const preferred = chunkBytes(this.#knownLimits, this.endpoint.maxMessageBytes);
    return { allowArrowBatchChunking: true, preferredArrowChunkSize: BigInt(preferred) };
  }

  #largestWindow(limits: StreamLimits): number {
    return largestWindow(limits, this.endpoint.maxMessageBytes);
  }

  /** The server's id of the session is learnt from its first answer; another one later means that it is another session. */
  #checkSession({ serverSideSessionId }: { serverSideSessionId?: string }): void {
    if (!serverSideSessionId) return;
    this.#serverSessionId ??= serverSideSessionId;
    if (this.#serverSessionId === serverSideSessionId) return;
    const message = `The session on the server at ${this.endpoint.address} was closed, or the server was restarted. Connect again.`;
    throw new SparkStreamError("SESSION_LOST", message);
  }

  #readError(error: unknown): ServerError {
    return readServerError(error, (text) => this.endpoint.hide(text));
  }

  /** Asks the server for the whole story, where it offers one, and makes the user's error of it. */
  async #explain(error: ServerError, operationId?: string): Promise<SparkStreamError> {
    if (this.closed && !(error.cause instanceof SparkStreamError)) {
      const message = "The session was closed while this ran. Connect again.";
      return new SparkStreamError("SESSION_CLOSED", message, { cause: error.cause });
    }
    let known = error;
    if (error.errorId !== undefined) {
      try {
        const request = create(method.fetchErrorDetails.input, { ...this.#common(), errorId: error.errorId });
        const details = await this.#channel.unary(method.fetchErrorDetails, request, { timeoutMs: SHORT_TIMEOUT });
        known = withDetails(error, details, (text) => this.endpoint.hide(text));
      } catch {
        // What came with the error itself has to do: a server before 4.0, or one that is gone.
      }
    }
    return explainError(known, this.endpoint, operationId);
  }
}

function unexpectedAnswer(what: string): SparkStreamError {
  return new SparkStreamError(
    "UNSUPPORTED",
    `The server answered ${what}: it does not speak Spark Connect as Spark does.`,
  );
}
