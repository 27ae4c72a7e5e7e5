/**
 * The limit of what a client on grpc-js can do: the responses are deserialised, and their Arrow data is counted and
 * dropped. No back pressure, no reattaching, no checks.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { Endpoint } from "../../lib/connect/endpoint.js";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { executePlan, openClient, releaseSession, type WireClient } from "../wire.js";
import { type Counted, measured } from "./measured.js";

await measured(
  async ({ url, token, sessionId }) => openClient(new Endpoint(url, { ...(token && { token }) }), sessionId),
  (wire, { query }) => drain(wire, query),
  releaseSession,
);

function drain(wire: WireClient, query: string): Promise<Counted> {
  return new Promise((resolve, reject) => {
    let rows = 0;
    let batches = 0;
    const call = executePlan(wire, query, (bytes) => fromBinary(ExecutePlanResponseSchema, bytes));
    call.on("data", ({ responseType }) => {
      if (responseType.case !== "arrowBatch") return;
      rows += Number(responseType.value.rowCount);
      batches++;
    });
    call.on("error", reject);
    call.on("end", () => resolve({ rows, batches }));
  });
}
