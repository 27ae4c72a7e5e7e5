import { create } from "@bufbuild/protobuf";
import {
  type ExecutePlanResponse,
  ExecutePlanResponse_ArrowBatchSchema,
} from "../connect/generated/spark-connect_pb.js";
import type { SparkErrorInit } from "./spark-error-init.js";

/** A fault of a result, and where it occurs. */
export interface Fault {
  /** The operation, counted from 0 in order of arrival. Default: every operation. */
  operation?: number;
  /** The stream of the operation: 0 is that of ExecutePlan, 1 that of the first reattach, … Default: every stream. */
  stream?: number;
  /** How many responses the stream has sent before. 0 is before the schema, 1 before the first batch. Default: 0. */
  after?: number;
  do: FaultAction;
}

/**
 * What happens to a stream, or to its next response:
 *
 * | action            | what the client sees                                                               |
 * |-------------------|------------------------------------------------------------------------------------|
 * | `cut`             | the connection is gone                                                             |
 * | `end`             | the stream ends with OK, and the result is not complete: reattach                  |
 * | `stall`           | no more responses arrive, and the stream does not end                              |
 * | `goaway`          | the server closes the connection gracefully (HTTP/2 GOAWAY); the stream continues  |
 * | `forget`          | the connection is gone, and the server no longer has the operation                 |
 * | `restart`         | all connections are gone, and the server no longer has any operation or session    |
 * | `duplicate`       | the next response arrives twice                                                    |
 * | `drop`            | the next response does not arrive                                                  |
 * | `swap`            | the next two responses arrive in reverse order                                     |
 * | `corrupt`         | half of the bytes of the next response are missing                                 |
 * | `miscount`        | the next response states one row more than it has                                  |
 * | `{ delayMs }`     | the next response arrives this much later                                          |
 * | `{ status }`      | the stream ends with this error; the operation continues and can be reattached to  |
 * | `{ sessionId }`   | from now on all answers come from another server-side session                      |
 */
export type FaultAction =
  | "cut"
  | "end"
  | "stall"
  | "goaway"
  | "forget"
  | "restart"
  | "duplicate"
  | "drop"
  | "swap"
  | "corrupt"
  | "miscount"
  | { delayMs: number }
  | { status: SparkErrorInit }
  | { sessionId: string };

/** The faults of one stream, by the number of responses sent before. */
export function faultsOf(faults: readonly Fault[], operation: number, stream: number): Map<number, FaultAction[]> {
  const found = new Map<number, FaultAction[]>();
  for (const fault of faults) {
    if ((fault.operation ?? operation) !== operation || (fault.stream ?? stream) !== stream) continue;
    const after = fault.after ?? 0;
    found.set(after, [...(found.get(after) ?? []), fault.do]);
  }
  return found;
}

/** Returns the next responses as changed by a fault; `undefined` if the fault does not change responses. */
export function alter(action: FaultAction, next: readonly ExecutePlanResponse[]): ExecutePlanResponse[] | undefined {
  const [first, second, ...others] = next;
  if (!first) return undefined;
  switch (action) {
    case "duplicate":
      return [first, ...next];
    case "drop":
      return next.slice(1);
    case "swap":
      return second ? [second, first, ...others] : undefined;
    case "corrupt":
      return [withBatch(first, ({ data }) => ({ data: broken(data) })), ...next.slice(1)];
    case "miscount":
      return [withBatch(first, ({ rowCount }) => ({ rowCount: rowCount + 1n })), ...next.slice(1)];
    default:
      return undefined;
  }
}

type Batch = Extract<ExecutePlanResponse["responseType"], { case: "arrowBatch" }>["value"];

function withBatch(response: ExecutePlanResponse, change: (batch: Batch) => Partial<Batch>): ExecutePlanResponse {
  if (response.responseType.case !== "arrowBatch") return response;
  const batch = response.responseType.value;
  const value = create(ExecutePlanResponse_ArrowBatchSchema, { ...batch, ...change(batch) });
  return { ...response, responseType: { case: "arrowBatch", value } };
}

/** Removes the first half: flipped bits could result in other valid values. */
function broken(data: Uint8Array): Uint8Array {
  return data.subarray(data.length >> 1);
}
