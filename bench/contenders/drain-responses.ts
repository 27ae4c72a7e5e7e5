import { fromBinary } from "@bufbuild/protobuf";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { executePlan, type WireClient } from "../wire.js";

/**
 * Runs a query and hands out the Arrow data of its answer, with the rows that begin in it.
 *
 * @param take where it gives a promise, no more is read until that is fulfilled
 */
export function drainResponses(
  wire: WireClient,
  query: string,
  take: (data: Uint8Array, rows: number) => Promise<unknown> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = executePlan(wire, query, (bytes) => fromBinary(ExecutePlanResponseSchema, bytes));
    call.on("data", ({ responseType }) => {
      if (responseType.case !== "arrowBatch") return;
      const { data, rowCount, chunkIndex } = responseType.value;
      // Every chunk of a batch tells the rows of the whole.
      const taken = take(data, chunkIndex ? 0 : Number(rowCount));
      if (!taken) return;
      call.pause();
      taken.then(() => call.resume(), reject);
    });
    call.on("error", reject);
    call.on("end", resolve);
  });
}
