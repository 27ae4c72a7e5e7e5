/**
 * The limit of what a client on grpc-js's streams can do: the responses are deserialised by protobuf-es, and their Arrow
 * data is counted and dropped. No reattaching, no checks, no back pressure.
 */
import { Endpoint } from "../../lib/connect/rpc/endpoint.js";
import { openClient, releaseSession } from "../wire.js";
import { drainResponses } from "./drain-responses.js";
import { measured } from "./measured.js";

await measured(
  async ({ url, token, sessionId }) => openClient(new Endpoint(url, { ...(token && { token }) }), sessionId),
  (wire, { query }, tally) =>
    drainResponses(wire, query, (_data, rows) => {
      tally.add(rows);
      return undefined;
    }),
  releaseSession,
);
