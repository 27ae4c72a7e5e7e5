/** The calls of one session, with what every request carries, retries, and errors in this package's terms. */
import { randomUUID } from "node:crypto";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { AbortError, atMost, pause, SETTLE_TIMEOUT, untilAborted } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { checkWellFormed } from "../../runtime/well-formed.js";
import { readExecutePlanResponse } from "../execution/execute-response.js";
import { Execution, type ExecutionCalls } from "../execution/execution.js";
import {
  type AnalyzePlanRequestSchema,
  type AnalyzePlanResponse,
  type ConfigRequest_OperationSchema,
  ExecutePlanRequestSchema,
  type ExecutePlanResponse,
  InterruptRequest_InterruptType as InterruptType,
  type KeyValue,
  type PlanSchema,
  PlanSchema as planSchema,
  ReattachExecuteRequestSchema,
  SparkConnectService,
} from "../generated/spark-connect_pb.js";
import { type ArtifactBytes, artifactRequests } from "./artifact.js";
import { briefly, callPolicy, once, stopping } from "./call-policy.js";
import { Channel, type UnaryOptions } from "./channel.js";
import type { Endpoint } from "./endpoint.js";
import { explainError, sessionChanged } from "./explain-error.js";
import { chunkBytes, largestWindow } from "./flow-control.js";
import { stopOnSignal } from "./process-signals.js";
import { isRefusal, isUnimplemented } from "./refusal.js";
import { isTokenRefused, type RetryPolicy, retryWait } from "./retry.js";
import { readServerError, type ServerError, withDetails } from "./server-error.js";
import { defaultStreamLimits, readStreamLimits, type StreamLimits, streamLimitKeys } from "./stream-limits.js";

const { method } = SparkConnectService;

/** ms */
const LONG_WAIT = 1_000;

/** What a command answers, and its caller has to know; all else that comes are rows, and news of the work. */
const ANSWERS: ReadonlySet<string | undefined> = new Set(["sqlCommandResult", "checkpointCommandResult"]);

/** The error class of a clone that exists: an earlier attempt at it succeeded, and its answer was lost. */
const TAKEN = "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS";

type AnalyzeInit = MessageInitShape<typeof AnalyzePlanRequestSchema>["analyze"];
type AnalyzeCase = NonNullable<NonNullable<AnalyzeInit>["case"]>;
type AnalyzeResult<C> = Extract<AnalyzePlanResponse["result"], { case: C }>["value"];

/** If nothing is given, that of callPolicy(). */
interface UnaryCall extends UnaryOptions {
  policy?: RetryPolicy;
}

export interface ClientOptions {
  /** Whether a signal that ends this process has what runs stopped before. Default: true. */
  readonly handleSignals?: boolean | undefined;
  /** Default: the endpoint's, or a new one. */
  readonly sessionId?: string | undefined;
  /** Whether the session is left to others on the server when it is closed. Default: false. */
  readonly keepSession?: boolean | undefined;
}

/** A session that exists, made of that of another client. */
interface Clone {
  readonly of: SparkConnectClient;
  readonly serverSessionId: string;
}

export class SparkConnectClient {
  readonly endpoint: Endpoint;
  readonly sessionId: string;
  readonly options: ClientOptions;
  /** The operations of this client that have not ended. */
  readonly #running = new Set<string>();
  /** Counts the calls that may have changed the session: commands, and settings. */
  changes = 0;
  readonly #channel: Channel;
  #serverSessionId: string | undefined;
  #limits: Promise<StreamLimits> | undefined;
  /** As they are known at this moment. */
  #knownLimits = defaultStreamLimits;
  readonly #closing = new AbortController();
  /** Whose connections a clone uses. */
  readonly #parent: SparkConnectClient | undefined;
  /** What is being stopped on the server, in this session and in clones of it; none of it rejects. */
  readonly #stops: Set<Promise<unknown>>;

  /** Something runs that a signal which ends this process has to stop before; see stopOnSignal(). */
  readonly trackRun: typeof stopOnSignal;

  constructor(endpoint: Endpoint, options: ClientOptions = {}, clone?: Clone) {
    const { handleSignals = true, sessionId = endpoint.sessionId ?? randomUUID() } = options;
    this.endpoint = endpoint;
    this.options = options;
    this.trackRun = clone?.of.trackRun ?? (handleSignals ? stopOnSignal : () => () => {});
    this.sessionId = sessionId;
    this.#serverSessionId = clone?.serverSessionId;
    this.#parent = clone?.of;
    this.#stops = clone ? clone.of.#stops : new Set();
    this.#channel = clone ? clone.of.#channel : new Channel(endpoint);
  }

  /** Whether the session may be one that others have made, by its id. */
  get mayExist(): boolean {
    return this.sessionId === this.endpoint.sessionId;
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
    options?: UnaryCall,
  ): Promise<AnalyzeResult<C>> {
    const { result } = await this.#call(method.analyzePlan, { analyze }, options);
    if (result.case !== analyze.case) throw unexpectedAnswer(`${result.case} for ${analyze.case}`);
    return result.value as AnalyzeResult<C>;
  }

  /** The version of the server's Spark, such as "4.3.0". */
  async version(options?: UnaryCall): Promise<string> {
    return (await this.analyze({ case: "sparkVersion", value: {} }, options)).version;
  }

  async config(
    opType: MessageInitShape<typeof ConfigRequest_OperationSchema>["opType"],
    options?: UnaryCall,
  ): Promise<KeyValue[]> {
    try {
      return (await this.#call(method.config, { operation: { opType } }, options)).pairs;
    } finally {
      if (opType?.case === "set" || opType?.case === "unset") this.changes++;
    }
  }

  /** Which of these artifacts the session has. @param names such as `cache/<sha256>` */
  async knownArtifacts(names: readonly string[], options?: UnaryCall): Promise<Set<string>> {
    const { statuses } = await this.#call(method.artifactStatus, { names: [...names] }, options);
    return new Set(names.filter((name) => statuses[name]?.exists));
  }

  /**
   * Uploads an artifact. It is sent again as a whole if the connection is lost.
   *
   * @throws SparkStreamError UNAVAILABLE if the server received other bytes
   */
  async addArtifact(name: string, bytes: ArtifactBytes, options?: UnaryCall): Promise<void> {
    const { artifacts } = await this.#retried(method.addArtifacts, options, (own) =>
      this.#channel.clientStream(method.addArtifacts, artifactRequests(this.#common(), name, bytes), own),
    );
    if (artifacts.every(({ isCrcSuccessful }) => isCrcSuccessful)) return;
    throw new SparkStreamError("UNAVAILABLE", "The server received other bytes than were sent. Try again.");
  }

  /**
   * A session with the settings, views and functions that this one has now, which uses this one's connections; undefined if
   * the server has no such call. To be closed before this one.
   */
  async clone(): Promise<SparkConnectClient | undefined> {
    for (;;) {
      const sessionId = randomUUID();
      try {
        const { newServerSideSessionId } = await this.#call(method.cloneSession, { newSessionId: sessionId });
        const clone = { of: this, serverSessionId: newServerSideSessionId };
        return new SparkConnectClient(this.endpoint, { sessionId }, clone);
      } catch (error) {
        if (!(error instanceof SparkStreamError)) throw error;
        if (isUnimplemented(error)) return undefined;
        // The answer may have been lost, and with it the server's id of that clone.
        this.#releaseSession(sessionId).catch(() => {});
        if (error.errorClass !== TAKEN) throw error;
      }
    }
  }

  /** What the server allows a stream; asked once. Never rejects. */
  limits(): Promise<StreamLimits> {
    if (this.#parent) return this.#parent.limits();
    this.#limits ??= this.config({ case: "getOption", value: { keys: [...streamLimitKeys] } }, briefly).then(
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

  /** Whether the server answers at all, if only that it refuses. */
  async #isThere(): Promise<boolean> {
    try {
      await this.config({ case: "getOption", value: { keys: [] } }, briefly);
      return true;
    } catch (error) {
      return isRefusal(error);
    }
  }

  /** Runs a plan; nothing is sent before the first `next()`. @throws AbortError if the signal was aborted before */
  execution(plan: MessageInitShape<typeof PlanSchema>, { tags = [], signal }: RunOptions = {}): Execution {
    this.checkOpen();
    if (signal?.aborted) throw new AbortError(signal);
    checkWellFormed([plan, tags, this.endpoint.userId]);
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
          once,
        ),
      releaseAll: (operationId) =>
        this.#call(method.releaseExecute, { operationId, release: { case: "releaseAll", value: {} } }, briefly),
      interrupt: (operationId) => this.interrupt({ operationId }, stopping),
      readError: (error) => this.#readError(error),
      explain: (error, operationId) => this.#explain(error, operationId),
      checkSession: (response) => this.#checkSession(response),
      limits: () => this.limits(),
      isThere: () => this.#isThere(),
      trackStop: (stopped) => this.trackStop(stopped),
      trackRun: (leave) => this.#run(execution.operationId, leave),
      mostInFlight: (limits) => this.#largestWindow(limits),
      tokenRotates: this.endpoint.tokenRotates,
      closing: this.#closing.signal,
    };
    const execution = new Execution(calls, create(planSchema, plan));
    return execution;
  }

  /** @returns to be called when the operation has ended */
  #run(operationId: string, leave: () => Promise<void>): () => void {
    this.#running.add(operationId);
    const ended = this.trackRun(leave);
    return () => {
      this.#running.delete(operationId);
      ended();
    };
  }

  /** Runs a command, or a plan for its effect, and returns the answers; rows are dropped as they arrive. */
  async command(plan: MessageInitShape<typeof PlanSchema>, options: RunOptions = {}): Promise<ExecutePlanResponse[]> {
    const { signal } = options;
    const execution = this.execution(plan, options);
    try {
      return await untilAborted(signal, answersOf(execution));
    } finally {
      this.changes++;
      await atMost(SETTLE_TIMEOUT, execution.close());
    }
  }

  /** Resolves when everything that was cancelled here has stopped on the server. */
  async stopped(): Promise<void> {
    while (this.#stops.size > 0) await Promise.all(this.#stops);
  }

  /** Something is being stopped, or removed, on the server, which may go on when its stream has ended. Never rejects. */
  trackStop(stopped: Promise<unknown>): void {
    this.#stops.add(stopped);
    void stopped.then(() => this.#stops.delete(stopped));
  }

  /** Interrupts on the server. Resolves to the ids of the operations that were running. */
  async interrupt(what: "all" | { tag: string } | { operationId: string }, options?: UnaryCall): Promise<string[]> {
    const request =
      what === "all"
        ? { interruptType: InterruptType.ALL }
        : "tag" in what
          ? { interruptType: InterruptType.TAG, interrupt: { case: "operationTag" as const, value: what.tag } }
          : interruptOf(what.operationId);
    return (await this.#call(method.interrupt, request, options)).interruptedIds;
  }

  /** Also when it is closed. */
  async #interruptOperation(
    operationId: string,
    { timeoutMs }: UnaryOptions = callPolicy(method.interrupt.name),
  ): Promise<void> {
    const request = create(method.interrupt.input, { ...this.#common(), ...interruptOf(operationId) });
    await this.#channel.unary(method.interrupt, request, { timeoutMs });
  }

  /** Ends the session on the server, unless it is kept, with all that runs in it, and closes the connections. Never rejects. */
  async close(options?: UnaryOptions): Promise<void> {
    if (this.closed) return;
    const running = [...this.#running];
    this.#closing.abort();
    try {
      if (this.options.keepSession) await Promise.all(running.map((id) => this.#interruptOperation(id, options)));
      else await this.#releaseSession(this.sessionId, options);
    } catch {
      // The server ends an idle session by itself; servers before 4.0 know no other way.
    } finally {
      if (!this.#parent) this.#channel.close();
    }
  }

  /** Closes the connections without a word to the server. */
  abandon(): void {
    this.#closing.abort();
    this.#channel.close();
  }

  async #releaseSession(
    sessionId: string,
    { timeoutMs }: UnaryOptions = callPolicy(method.releaseSession.name),
  ): Promise<void> {
    const request = create(method.releaseSession.input, { ...this.#common(), sessionId });
    await this.#channel.unary(method.releaseSession, request, { timeoutMs });
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
    options: UnaryCall = {},
  ): Promise<MessageShape<O>> {
    checkWellFormed([init, this.endpoint.userId]);
    return await this.#retried(rpc, options, (own) => {
      const request = create(rpc.input, { ...this.#common(), ...init } as unknown as MessageInitShape<I>);
      return this.#channel.unary(rpc, request, own);
    });
  }

  /** Makes a call, and makes it again if it fails for a reason that may pass. */
  async #retried<T extends object>(
    rpc: { readonly name: string },
    options: UnaryCall = {},
    attempt: (options: UnaryOptions) => Promise<T>,
  ): Promise<T> {
    this.checkOpen();
    const { timeoutMs, policy, signal } = { ...callPolicy(rpc.name), ...options };
    let tokenMayBeOld = this.endpoint.tokenRotates;
    for (let retry = 1; ; retry++) {
      try {
        const response = await attempt({ timeoutMs, signal });
        this.#checkSession(response as { serverSideSessionId?: string });
        return response;
      } catch (error) {
        if (error instanceof SparkStreamError || error instanceof AbortError) throw error;
        this.checkOpen();
        const failure = explainDeadline(this.#readError(error), rpc.name, timeoutMs);
        if (tokenMayBeOld && isTokenRefused(failure)) {
          tokenMayBeOld = false; // the next call asks for another one
          continue;
        }
        const wait = retryWait(failure, retry, policy);
        if (wait === undefined) throw await untilAborted(signal, this.#explain(failure));
        // Work behind a stream that lasts for minutes keeps no process alive.
        const keepsProcess = !(policy.background && wait >= LONG_WAIT);
        await pause(wait, [this.#closing.signal, signal], keepsProcess);
        if (signal?.aborted) throw new AbortError(signal);
        this.checkOpen();
      }
    }
  }

  /** Batches come in chunks if they are large, of a size that fits into a message and can be sent again. */
  #chunking() {
    const limits = (this.#parent ?? this).#knownLimits;
    const preferred = chunkBytes(limits, this.endpoint.maxMessageBytes);
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
    throw sessionChanged(this.endpoint);
  }

  #readError(error: unknown): ServerError {
    return readServerError(error, (text) => this.endpoint.hide(text));
  }

  /** Asks the server for the whole story, if it offers one, and makes the user's error of it. */
  async #explain(error: ServerError, operationId?: string): Promise<SparkStreamError> {
    if (this.closed && !(error.cause instanceof SparkStreamError)) return sessionClosed(error.cause);
    let known = error;
    if (error.errorId !== undefined) {
      try {
        const request = create(method.fetchErrorDetails.input, { ...this.#common(), errorId: error.errorId });
        const { timeoutMs } = callPolicy(method.fetchErrorDetails.name);
        const details = await this.#channel.unary(method.fetchErrorDetails, request, { timeoutMs });
        known = withDetails(error, details, (text) => this.endpoint.hide(text));
      } catch {
        // What came with the error itself has to do: a server before 4.0, or one that is gone.
      }
    }
    return explainError(known, this.endpoint, operationId);
  }
}

function interruptOf(operationId: string) {
  const interrupt = { case: "operationId" as const, value: operationId };
  return { interruptType: InterruptType.OPERATION_ID, interrupt };
}

async function answersOf(execution: Execution): Promise<ExecutePlanResponse[]> {
  const answers = [];
  for (let next = await execution.next(); next; next = await execution.next()) {
    if (ANSWERS.has(next.responseType.case) || next.observedMetrics.length > 0) answers.push(next);
  }
  return answers;
}

/** Replaces gRPC's message, which describes the state of the call. */
function explainDeadline(error: ServerError, rpc: string, ms: number): ServerError {
  if (error.code !== status.DEADLINE_EXCEEDED) return error;
  return { ...error, message: `nothing has arrived for ${Math.round(ms / 100) / 10} s (${rpc})` };
}

function unexpectedAnswer(what: string): SparkStreamError {
  return new SparkStreamError(
    "UNSUPPORTED",
    `The server answered ${what}: it does not speak Spark Connect as Spark does.`,
  );
}
