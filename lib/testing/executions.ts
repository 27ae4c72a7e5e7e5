/** Keeps the operations of a server, by id. */
import { toBinary } from "@bufbuild/protobuf";
import {
  type ExecutePlanRequest,
  type InterruptRequest,
  InterruptRequest_InterruptType as InterruptType,
  PlanSchema,
  type ReleaseExecuteRequest,
} from "../connect/generated/spark-connect_pb.js";
import { Operation, type OperationLimits } from "./operation.js";
import type { ResponseInit } from "./scripted-result.js";
import { classified, invalidHandle } from "./spark-error.js";

export class Executions {
  /** All operations in order of arrival; one that is sent again after it was lost replaces the lost one. */
  readonly all: Operation[] = [];
  readonly #limits: OperationLimits;

  constructor(limits: OperationLimits) {
    this.#limits = limits;
  }

  /** Returns the operation of a request: a new one, or the existing one if the request is a repeat. */
  begin(request: ExecutePlanRequest, respond: () => Promise<readonly ResponseInit[]>): Operation {
    const plan = request.plan ? toBinary(PlanSchema, request.plan) : new Uint8Array();
    const operationId = request.operationId ?? "";
    const index = this.indexOf(operationId);
    const known = this.all[index];
    if (known && known.state !== "lost") {
      if (known.state === "released") throw invalidHandle("OPERATION_ABANDONED", operationId);
      if (Buffer.compare(plan, known.plan) !== 0) throw invalidHandle("OPERATION_ALREADY_EXISTS", operationId);
      return known;
    }
    const { sessionId, tags } = request;
    const operation = new Operation({ operationId, sessionId, tags, plan }, respond(), this.#limits);
    operation.attaches = known?.attaches ?? 0;
    this.all[known ? index : this.all.length] = operation;
    return operation;
  }

  indexOf(operationId: string): number {
    return this.all.findIndex((operation) => operation.operationId === operationId);
  }

  /** @throws INVALID_HANDLE.OPERATION_NOT_FOUND or OPERATION_ABANDONED */
  held(operationId: string): Operation {
    if (this.all[this.indexOf(operationId)]?.abandoned) throw invalidHandle("OPERATION_ABANDONED", operationId);
    const operation = this.#find(operationId);
    if (!operation) throw invalidHandle("OPERATION_NOT_FOUND", operationId);
    return operation;
  }

  /** Releases responses. Returns whether there was an operation to release. */
  release({ operationId, release }: ReleaseExecuteRequest): boolean {
    const operation = this.#find(operationId);
    if (!operation) return false;
    if (release.case === "releaseUntil") operation.releaseUntil(release.value.responseId);
    else operation.end("released");
    return true;
  }

  /** Interrupts operations. Returns the ids of those that were running. */
  interrupt({ sessionId, interruptType, interrupt }: InterruptRequest): string[] {
    const meant = this.all.filter((operation) => {
      if (operation.state !== "running" || operation.sessionId !== sessionId) return false;
      if (interruptType === InterruptType.TAG) return operation.tags.includes(interrupt.value ?? "");
      if (interruptType === InterruptType.OPERATION_ID) return operation.operationId === interrupt.value;
      return interruptType === InterruptType.ALL;
    });
    for (const operation of meant) {
      operation.stop(classified("OPERATION_CANCELED", "HY008", "Operation has been canceled."));
    }
    return meant.map(({ operationId }) => operationId);
  }

  endSession(sessionId: string): void {
    const error = invalidHandle("SESSION_CLOSED", sessionId);
    for (const operation of this.all) {
      if (operation.sessionId === sessionId && !isGone(operation)) operation.end("released", error);
    }
  }

  loseAll(): void {
    for (const operation of this.all) operation.end("lost");
  }

  #find(operationId: string): Operation | undefined {
    const operation = this.all[this.indexOf(operationId)];
    return operation && !isGone(operation) ? operation : undefined;
  }
}

function isGone({ state }: Operation): boolean {
  return state === "released" || state === "lost";
}
