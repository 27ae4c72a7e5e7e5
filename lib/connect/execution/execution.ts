/**
 * One execution of a plan on the server, from ExecutePlan to ReleaseExecute, as a state machine that is pulled.
 *
 * In: a plan. Out: the server's responses, each once and in order. Memory: one response while the consumer pulls (see
 * channel.ts for what is in flight below that); while it sleeps, that of drain.ts.
 *
 *   state        on                                        to           doing
 *   idle         next                                      starting     ExecutePlan, operation id made here
 *   starting     a response                                streaming
 *   starting     transient failure                         reattaching  after a wait (retry.ts)
 *   streaming    a response                                streaming
 *   streaming    result_complete                           complete     ReleaseExecute{release_all}
 *   streaming    stream ended OK, no result_complete       reattaching  ReattachExecute after the last received response
 *   streaming    transient failure, DEADLINE_EXCEEDED      reattaching  the same, after a wait
 *   any          the token is refused, and a function      starting or  the same at once, with the token of that moment; once
 *                gives it                                  reattaching  between two responses
 *   streaming    silent for silentAfter(), though pulled   reattaching  the same, on another connection
 *   streaming    drainAfter() has passed since the attach  draining     take what is in flight into the spool (drain.ts)
 *   draining     the stream has ended                      reattaching  the same; then streaming, and nobody pulls again
 *   draining     all that can be in flight taken, or the consumer pulls  streaming
 *   reattaching  a response                                streaming
 *   reattaching  operation unknown, nothing received yet   starting     ExecutePlan again
 *   reattaching  operation unknown, something received     failed       OPERATION_LOST; SESSION_LOST if it is the session
 *   reattaching  stream ended at once and without a word   reattaching  after a wait, as after a failure
 *   any          any other failure                         failed       Interrupt, ReleaseExecute{release_all}
 *   any          close                                     cancelled    read on until a job runs, cancel the call, Interrupt,
 *                                                                       ReleaseExecute{release_all}
 *   complete, failed, cancelled: once the release was answered (or given up)   released
 *
 * The server ends a stream by itself after two minutes or 1 GB, so reattaching is everyday business and no fault. A stream
 * is not cancelled to be resumed: all that is in flight would have to be sent again, of which the server keeps 10 MB.
 * Hence draining: the stream is read to its end before it is resumed. (A silent stream is cancelled: nothing of it is on
 * its way.) A cut cannot be helped; flow-control.ts sees to it that no more is lost then than can be sent again.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { SparkStreamError } from "../../errors.js";
import { atMost, pause } from "../../runtime/abort.js";
import type { ExecutePlanResponse, Plan } from "../generated/spark-connect_pb.js";
import type { ResponseStream } from "../rpc/pulled-call.js";
import { isTokenRefused, type RetryPolicy, retryWait } from "../rpc/retry.js";
import type { ServerError } from "../rpc/server-error.js";
import type { StreamLimits } from "../rpc/stream-limits.js";
import { Drain } from "./drain.js";
import { ReceivedResponses } from "./received-responses.js";
import { sizeOf } from "./response-spool.js";
import { SilenceWatch } from "./silence.js";
import { StopPoint } from "./stop-point.js";

export type ExecutionState =
  | "idle"
  | "starting"
  | "streaming"
  | "draining"
  | "reattaching"
  | "complete"
  | "failed"
  | "cancelled"
  | "released";

/** The calls that an execution makes. */
export interface ExecutionCalls {
  execute(operationId: string, plan: Plan): ResponseStream<ExecutePlanResponse>;
  reattach(operationId: string, lastResponseId: string | undefined): ResponseStream<ExecutePlanResponse>;
  releaseUntil(operationId: string, responseId: string): Promise<unknown>;
  releaseAll(operationId: string): Promise<unknown>;
  /** Whether the server answers at all. Never rejects. */
  isThere(): Promise<boolean>;
  interrupt(operationId: string): Promise<unknown>;
  readError(error: unknown): ServerError;
  /** The error to show to a user. */
  explain(error: ServerError, operationId: string): Promise<SparkStreamError>;
  /** @throws SparkStreamError SESSION_LOST if the response comes from another session than those before. */
  checkSession(response: ExecutePlanResponse): void;
  /** What the server allows a stream. Never rejects. */
  limits(): Promise<StreamLimits>;
  /** An execution is being stopped on the server. Never rejects. */
  trackStop(stopped: Promise<void>): void;
  /** An execution runs. A signal that ends this process calls `leave` before. @returns to be called when it has ended */
  trackRun(leave: () => Promise<void>): () => void;
  /** Bytes of a stream that can be in flight, besides the first response and the last. */
  mostInFlight(limits: StreamLimits): number;
  /** Whether each call asks for the token, so that one after a refusal may have another. */
  readonly tokenRotates: boolean;
  /** Aborted when the session is closed. */
  readonly closing: AbortSignal;
}

export interface ExecutionOptions {
  policy?: RetryPolicy;
}

const RUNNING: readonly ExecutionState[] = ["starting", "streaming", "draining", "reattaching"];
/** Error classes for an operation, or its session, that the server does not know (any more). */
const UNKNOWN_OPERATION = /^INVALID_HANDLE\.(OPERATION_NOT_FOUND|SESSION_NOT_FOUND)$/;
/**
 * ms that a stop waits until a job is running, because only a running job can be stopped: JOB_WAIT in all, SIGN_OF_LIFE from
 * one response to the next, which is more than Spark's own interval between two reports of progress.
 */
const JOB_WAIT = 60_000;
const SIGN_OF_LIFE = 2_500;
/** ms: the same limit if the process is about to end. */
const LAST_WAIT = 400;
/** ms that next() then stays silent about the stop. */
const HOLD = 5_000;
/** ms: a stream that ends sooner without a response was no use, and the next one may be none either. */
const USELESS = 1_000;
/** Deadlines in a row after which a stream is opened again, without a response between them. */
const MAX_EXPIRED = 3;
const USELESS_STREAM = "it ends every stream at once, without an answer";
/** Bytes received after which the server is asked to release them. */
const RELEASE_BYTES = 64 * 1024 * 1024;

export class Execution {
  readonly operationId = randomUUID();
  readonly #calls: ExecutionCalls;
  readonly #silence: SilenceWatch;
  readonly #drain: Drain;
  readonly #plan: Plan;
  readonly #policy: RetryPolicy | undefined;
  #state: ExecutionState = "idle";
  #stream: ResponseStream<ExecutePlanResponse> | undefined;
  /** Whether the present stream has given anything new. */
  #answered = false;
  readonly #received = new ReceivedResponses();
  /** Since the last response that was new. */
  #retries = 0;
  #tokenRetried = false;
  #unreleasedBytes = 0;
  #releasing = false;
  #reading: Promise<ExecutePlanResponse | undefined> | undefined;
  readonly #stopPoint = new StopPoint();
  /** When the query was sent, or the last response of it arrived; ms, performance.now(). */
  #heardAt = 0;
  /** Whether the response read last says that now is the moment to stop. */
  #stoppable = false;
  #stopped: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  readonly #stop = new AbortController();
  /** Forgets it, if it runs. */
  #ended = () => {};
  /** While it lasts, the consumer hears nothing more. */
  #hold: Promise<void> | undefined;

  constructor(calls: ExecutionCalls, plan: Plan, { policy }: ExecutionOptions = {}) {
    this.#calls = calls;
    this.#silence = new SilenceWatch(() => calls.limits());
    this.#plan = plan;
    this.#policy = policy;
    this.#drain = new Drain({
      isRunning: () => this.#isRunning(),
      pull: () => this.#pull(),
      setDraining: (draining) => this.#setDraining(draining),
      fail: () => this.#fail(),
      limits: () => calls.limits(),
      mostInFlight: (limits) => calls.mostInFlight(limits),
    });
  }

  get state(): ExecutionState {
    return this.#state;
  }

  /** Settles when the server has answered that it released the result, if it was asked to, or cannot be reached. */
  get released(): Promise<void> {
    return this.#released ?? Promise.resolve();
  }

  /**
   * The next response, or undefined after the last. One call at a time.
   *
   * @throws SparkStreamError where the query fails, the connection is gone for longer than the retries last, or the
   *   execution is closed before its end: a part must not pass for the whole.
   */
  async next(): Promise<ExecutePlanResponse | undefined> {
    try {
      return await this.#drain.next();
    } finally {
      if (this.#hold) await this.#hold;
    }
  }

  /**
   * Stops the execution wherever it is: here at once, and on the server when it can be done, which may take JOB_WAIT.
   * Resolves when the server has answered, or cannot be reached; at once if the result has come whole, since nothing depends on
   * that answer. Never rejects. The session knows of it, so nobody has to wait for it (`atMost`).
   */
  async close(): Promise<void> {
    this.#drain.stop();
    if (this.#state === "idle") this.#state = "released";
    if (this.#isRunning()) {
      this.#state = "cancelled";
      this.#stop.abort();
      this.#stops(this.#stopOnServer());
    }
    await this.#stopped;
    await this.#drain.close();
  }

  #stops(stopped: Promise<void>): void {
    this.#stopped = stopped;
    this.#calls.trackStop(stopped);
    void stopped.then(() => this.#ended());
  }

  /** Stops the execution because this process is about to end. The consumer hears nothing: its reaction might come first. */
  async #leave(): Promise<void> {
    this.#hold = new Promise((resolve) => setTimeout(resolve, HOLD).unref());
    const closed = this.close();
    await atMost(LAST_WAIT, closed);
    if (this.#state === "released") return;
    await this.#calls.interrupt(this.operationId).catch(() => {});
    await closed;
  }

  #setDraining(draining: boolean): void {
    if (draining) this.#state = "draining";
    else if (this.#state === "draining") this.#state = "streaming";
  }

  #isRunning(): boolean {
    return RUNNING.includes(this.#state);
  }

  /** The next response from the server, across as many streams as it takes. */
  async #pull(): Promise<ExecutePlanResponse | undefined> {
    if (this.#state === "idle") this.#start();
    for (;;) {
      if (this.#state === "cancelled") throw cancelled(this.operationId);
      if (!this.#isRunning()) return undefined;
      let response: ExecutePlanResponse | undefined;
      try {
        response = await this.#read();
      } catch (error) {
        if (this.#isRunning()) await this.#recover(this.#calls.readError(error));
        continue;
      }
      if (!this.#isRunning()) continue;
      if (response === undefined) await this.#goOn();
      else if (this.#accept(response)) return response;
    }
  }

  /** What the stream gives next. Whoever asks meanwhile gets the same. */
  #read(): Promise<ExecutePlanResponse | undefined> {
    if (this.#reading) return this.#reading;
    const stream = this.#stream!;
    this.#silence.begin((error) => stream.cancel(error));
    this.#reading = stream.next().then(
      (response) => {
        this.#silence.end();
        this.#reading = undefined;
        this.#heardAt = performance.now();
        this.#stoppable = response !== undefined && this.#stopPoint.observe(response);
        return response;
      },
      (error) => {
        this.#silence.end();
        this.#reading = undefined;
        throw error;
      },
    );
    return this.#reading;
  }

  #start(): void {
    this.#ended();
    this.#ended = this.#calls.trackRun(() => this.#leave());
    this.#state = "starting";
    this.#heardAt = performance.now();
    this.#attached(this.#calls.execute(this.operationId, this.#plan));
  }

  /** The stream has ended, and the result has not. */
  async #goOn(): Promise<void> {
    const useless = !this.#answered && this.#drain.streamAge < USELESS;
    if (useless) await this.#recover({ code: status.UNAVAILABLE, message: USELESS_STREAM, cause: undefined });
    else this.#reattach();
  }

  #reattach(): void {
    if (this.#received.hasDataWithoutId) {
      this.#fail();
      throw operationLost(this.operationId);
    }
    this.#state = "reattaching";
    this.#received.beginStream();
    this.#attached(this.#calls.reattach(this.operationId, this.#received.lastId));
  }

  #attached(stream: ResponseStream<ExecutePlanResponse>): void {
    this.#stream = stream;
    this.#answered = false;
    this.#drain.attached();
  }

  /** Whether the response is for the consumer: not a heartbeat, not one that came before. */
  #accept(response: ExecutePlanResponse): boolean {
    let isNew: boolean;
    try {
      this.#calls.checkSession(response);
      isNew = this.#received.add(response);
    } catch (error) {
      this.#fail();
      throw error;
    }
    if (this.#state !== "draining") this.#state = "streaming";
    if (!isNew) return false;
    this.#retries = 0;
    this.#tokenRetried = false;
    this.#answered = true;
    if (response.responseType.case === "resultComplete") {
      this.#state = "complete";
      this.#ended();
      this.#release();
    } else this.#releaseReceived(sizeOf(response));
    return true;
  }

  async #recover(error: ServerError): Promise<void> {
    const received = this.#received.lastId !== undefined || this.#received.hasDataWithoutId;
    if (UNKNOWN_OPERATION.test(error.errorClass ?? "")) {
      if (!received && this.#state === "reattaching") return this.#start();
      this.#fail();
      // A restarted server has lost the session with the operation.
      const lost = received && !/SESSION/.test(error.errorClass ?? "");
      throw lost ? operationLost(this.operationId, error) : await this.#calls.explain(error, this.operationId);
    }
    if (this.#calls.tokenRotates && !this.#tokenRetried && isTokenRefused(error)) {
      this.#tokenRetried = true;
      return received ? this.#reattach() : this.#start();
    }
    // A gateway that cuts streams after a time cuts those of a long query any number of times.
    const cutLate = error.reset && !this.#answered && this.#drain.streamAge >= USELESS;
    if (cutLate && (await this.#calls.isThere())) this.#retries = 0;
    if (!this.#isRunning()) return;
    const expired = error.code === status.DEADLINE_EXCEEDED && this.#retries < MAX_EXPIRED;
    const wait = expired ? 0 : retryWait(error, this.#retries + 1, this.#policy);
    if (wait === undefined) {
      this.#fail();
      throw await this.#calls.explain(error, this.operationId);
    }
    this.#retries++;
    await pause(wait, [this.#stop.signal, this.#calls.closing]);
    if (this.#isRunning()) this.#reattach();
  }

  #fail(): void {
    this.#state = "failed";
    this.#stream?.cancel();
    this.#stops(this.#interruptAndRelease());
  }

  /** Releases the responses that have arrived on the server: from time to time, one call at a time. */
  #releaseReceived(bytes: number): void {
    this.#unreleasedBytes += bytes;
    if (this.#unreleasedBytes < RELEASE_BYTES || this.#releasing || this.#received.lastId === undefined) return;
    this.#unreleasedBytes = 0;
    this.#releasing = true;
    this.#calls
      .releaseUntil(this.operationId, this.#received.lastId)
      .catch(() => {}) // the next one covers it
      .finally(() => {
        this.#releasing = false;
      });
  }

  #release(): void {
    this.#released = this.#calls
      .releaseAll(this.operationId)
      .catch(() => {}) // the server forgets an abandoned operation by itself, after some minutes
      .then(() => {
        this.#state = "released";
      });
  }

  /** Stops an execution that a consumer gave up, at a moment at which that can be done (stop-point.ts). */
  async #stopOnServer(): Promise<void> {
    const giveUpAt = performance.now() + JOB_WAIT;
    try {
      for (let now = this.#stopPoint.always; !now && performance.now() < giveUpAt; now = this.#stoppable) {
        const timer = new AbortController();
        // A server that has been silent for so long reports no progress: there is nothing to wait for.
        const left = Math.max(SIGN_OF_LIFE - (performance.now() - this.#heardAt), 0);
        const silence = sleep(left, undefined, { signal: timer.signal }).catch(() => undefined);
        const response = await Promise.race([this.#read(), silence]).finally(() => timer.abort());
        if (response === undefined) break;
      }
    } catch {
      // The query has failed, or the connection is cut: nothing more arrives.
    }
    this.#stream?.cancel();
    await this.#interruptAndRelease();
  }

  /**
   * Interrupts first: a release alone does not stop an operation that has not begun yet, it only forgets it, and the job
   * then runs to its end (Spark's ExecuteHolder.close).
   */
  async #interruptAndRelease(): Promise<void> {
    await this.#calls.interrupt(this.operationId).catch(() => {}); // a server out of reach stops it after some minutes
    this.#release();
    await this.#released;
  }
}

function operationLost(operationId: string, error?: ServerError): SparkStreamError {
  const message =
    "The server no longer has the rest of this result: the operation was released, or nothing was read for too long. " +
    "What was read so far is not the whole result. Run the query again.";
  return new SparkStreamError("OPERATION_LOST", message, { ...error, operationId });
}

function cancelled(operationId: string): SparkStreamError {
  const message = "The execution was closed before its end. What was read so far is not the whole result.";
  return new SparkStreamError("OPERATION_CANCELED", message, { operationId });
}
