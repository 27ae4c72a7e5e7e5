/** Answers the calls of Spark Connect from the script, and keeps operations, sessions, settings and errors. */
import { randomUUID } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";
import * as defaults from "./default-answer.js";
import { Executions } from "./executions.js";
import { faultsOf } from "./fault.js";
import type { CallHandlers, StreamCall } from "./grpc-service.js";
import type { Operation } from "./operation.js";
import { type StreamHost, sendResponses } from "./response-stream.js";
import type { ScriptedMethod, ScriptedRequest, ScriptedServerOptions } from "./server-options.js";
import { Sessions } from "./sessions.js";
import { SparkError, SparkErrors } from "./spark-error.js";

/** The part of the server that the service uses; a peer's name is gRPC's. */
export interface ConnectionHost {
  cutConnection(peer: string): void;
  sendGoaway(peer: string): void;
  cutAll(): void;
}

type RequestOf<M extends ScriptedMethod> = Extract<ScriptedRequest, { method: M }>["message"];

const MIB = 1024 * 1024;

export class ScriptedService implements CallHandlers {
  readonly requests: ScriptedRequest[] = [];
  readonly executions: Executions;
  readonly sessions: Sessions;
  readonly #options: ScriptedServerOptions;
  readonly #host: ConnectionHost;
  readonly #errors = new SparkErrors();

  constructor(options: ScriptedServerOptions, host: ConnectionHost) {
    this.#options = options;
    this.#host = host;
    const { retryBufferBytes = 10 * MIB, detachedMs = 300_000 } = options;
    this.executions = new Executions({ retryBufferBytes, detachedMs });
    const { sparkVersion = "4.3.0", conf } = options;
    const compresses = isAtLeast(sparkVersion, 4, 1);
    this.sessions = new Sessions({
      ...(compresses && { "spark.sql.execution.arrow.compression.codec": "none" }),
      ...conf,
    });
  }

  async answer(method: ScriptedMethod, message: Message, metadata: Metadata): Promise<Record<string, unknown>> {
    const request = this.#admit(method, message, metadata);
    const answer = (await this.#own(request)) ?? this.#byDefault(request);
    const { sessionId } = request.message;
    return { sessionId, serverSideSessionId: this.sessions.serverSideIdOf(sessionId), ...answer };
  }

  async stream(method: "executePlan" | "reattachExecute", call: StreamCall): Promise<void> {
    try {
      const request = this.#admit(method, call.request, call.metadata);
      const [operation, position] =
        request.method === "executePlan" ? [this.#begin(request.message), 0] : await this.#resume(request);
      const index = this.executions.all.indexOf(operation);
      const faults = faultsOf(this.#options.faults ?? [], index, operation.attaches);
      await sendResponses(call, operation, position, faults, this.#streamHost(call.getPeer(), operation.sessionId));
    } catch (error) {
      call.emit("error", this.statusOf(error));
    }
  }

  statusOf(error: unknown): Error {
    return this.#errors.status(error);
  }

  /** Records the call, and accepts or refuses it. */
  #admit(method: ScriptedMethod, message: Message, metadata: Metadata): ScriptedRequest {
    const request = { method, message, metadata: metadata.getMap() } as ScriptedRequest;
    this.requests.push(request);
    const { token } = this.#options;
    const shown = request.metadata.authorization;
    if (token !== undefined && shown !== `Bearer ${token}`) {
      const text = shown === undefined ? "No authentication token provided" : "Invalid authentication token";
      throw new SparkError({ code: "UNAUTHENTICATED", message: text });
    }
    const { sessionId, clientObservedServerSideSessionId: observed } = request.message as {
      sessionId: string;
      clientObservedServerSideSessionId?: string;
    };
    this.sessions.admit(sessionId, observed, method === "releaseSession");
    return request;
  }

  /** The answer of the script's own function for this call, if it has one. */
  async #own({ method, message }: ScriptedRequest): Promise<object | undefined> {
    const respond = this.#options.respond?.[method] as ((message: Message) => object | undefined) | undefined;
    return await respond?.(message);
  }

  #byDefault(request: ScriptedRequest): object {
    switch (request.method) {
      case "analyzePlan":
        return defaults.analyzePlan(request.message, this.#options.sparkVersion ?? "4.3.0", this.#options);
      case "config":
        return defaults.config(request.message, this.sessions.settingsOf(request.message.sessionId));
      case "fetchErrorDetails":
        return this.#errors.details(request.message.errorId);
      case "interrupt":
        return { interruptedIds: this.executions.interrupt(request.message) };
      case "releaseExecute": {
        const { operationId } = request.message;
        return this.executions.release(request.message) ? { operationId } : {};
      }
      case "cloneSession":
        return this.#clone(request.message);
      case "releaseSession":
        this.sessions.release(request.message.sessionId);
        this.executions.endSession(request.message.sessionId);
        return {};
      default:
        throw defaults.unanswered(request.method);
    }
  }

  #clone({ sessionId, newSessionId = randomUUID() }: RequestOf<"cloneSession">): object {
    const { sparkVersion = "4.3.0", canClone = isAtLeast(sparkVersion, 4, 1) } = this.#options;
    // gRPC's error for a call that the service does not have.
    const unknown = {
      code: "UNIMPLEMENTED",
      message: "Method not found: spark.connect.SparkConnectService/CloneSession",
    } as const;
    if (!canClone) throw new SparkError(unknown);
    const { serverSideId } = this.sessions.clone(sessionId, newSessionId);
    return { newSessionId, newServerSideSessionId: serverSideId };
  }

  #begin(request: RequestOf<"executePlan">): Operation {
    return this.executions.begin(request, async () => {
      const own = await this.#own({ method: "executePlan", message: request, metadata: {} });
      return defaults.executePlan(request, { ...this.#options, ...own });
    });
  }

  async #resume(request: ScriptedRequest): Promise<[Operation, number]> {
    await this.#own(request);
    const { operationId, lastResponseId } = request.message as RequestOf<"reattachExecute">;
    const operation = this.executions.held(operationId);
    return [operation, operation.positionAfter(lastResponseId)];
  }

  #streamHost(peer: string, sessionId: string): StreamHost {
    const { maxStreamBytes = 1024 * MIB, maxStreamMs = 120_000 } = this.#options;
    return {
      maxStreamBytes,
      maxStreamMs,
      serverSessionId: () => this.sessions.serverSideIdOf(sessionId),
      changeSession: (id) => this.sessions.change(id),
      cutConnection: () => this.#host.cutConnection(peer),
      sendGoaway: () => this.#host.sendGoaway(peer),
      restart: () => this.#restart(),
      statusOf: (error) => this.statusOf(error),
    };
  }

  #restart(): void {
    this.sessions.restart();
    this.executions.loseAll();
    this.#host.cutAll();
  }
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [thisMajor = 0, thisMinor = 0] = version.split(".").map(Number);
  return thisMajor > major || (thisMajor === major && thisMinor >= minor);
}
