import { toBinary } from "@bufbuild/protobuf";
import { Spool } from "../../spool/spool.js";
import { type ExecutePlanResponse, ExecutePlanResponseSchema } from "../generated/spark-connect_pb.js";
import { readMessage } from "../rpc/messages.js";

/** Responses that had to be taken from the server before the consumer wanted them: up to `memoryBytes` of Arrow data in memory, the rest in a temporary file. */
export class ResponseSpool extends Spool<ExecutePlanResponse> {
  constructor(memoryBytes: number) {
    super({
      sizeOf,
      hasRoom: (bytes, held) => held + bytes <= memoryBytes,
      encode: (response) => toBinary(ExecutePlanResponseSchema, response),
      decode: (record) => readMessage(ExecutePlanResponseSchema, record),
    });
  }
}

/** Bytes of Arrow data in a response; what else it holds is small. */
export function sizeOf({ responseType }: ExecutePlanResponse): number {
  return responseType.case === "arrowBatch" ? responseType.value.data.length : 0;
}
