/**
 * Serves one recording to every ExecutePlan, in a process of its own. The bytes lie framed in memory and go out as they
 * are, in large pieces, so that a client never waits for this server; how busy it was is told after each answer.
 *
 *   argv     the file of frames, the file of the Recording
 *   sends    { port } once, then a ServedAnswer after each answer
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  AnalyzePlanResponseSchema,
  ConfigRequestSchema,
  ConfigResponseSchema,
  ReleaseExecuteRequestSchema,
  ReleaseExecuteResponseSchema,
  ReleaseSessionResponseSchema,
} from "../lib/connect/generated/spark-connect_pb.js";
import type { Recording } from "./recording.js";

/** What the server says after an answer. */
export interface ServedAnswer {
  /** The share of the time of the answer in which the server's event loop had something to do; 0 to 1. */
  readonly busy: number;
}

const PIECE_BYTES = 1024 * 1024;
const UNIMPLEMENTED = 12;

const [framesFile, recordingFile] = process.argv.slice(2) as [string, string];
const frames = readFileSync(framesFile);
const { sessionId, serverSideSessionId, sparkVersion } = JSON.parse(readFileSync(recordingFile, "utf8")) as Recording;

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const method = headers[":path"]?.split("/").at(-1);
  if (method === "ExecutePlan") {
    const before = performance.eventLoopUtilization();
    stream.resume();
    await respond(stream, frames);
    const busy = performance.eventLoopUtilization(before).utilization;
    process.send?.({ busy } satisfies ServedAnswer);
    return;
  }
  const request = await requestOf(stream);
  const common = { sessionId, serverSideSessionId };
  switch (method) {
    case "AnalyzePlan": {
      const result = { case: "sparkVersion", value: { version: sparkVersion } } as const;
      return respond(stream, framed(AnalyzePlanResponseSchema, { ...common, result }));
    }
    case "Config": {
      const { opType } = fromBinary(ConfigRequestSchema, request).operation ?? {};
      const pairs = opType?.case === "getOption" ? opType.value.keys.map((key) => ({ key, ...told[key] })) : [];
      return respond(stream, framed(ConfigResponseSchema, { ...common, pairs }));
    }
    case "ReleaseExecute": {
      const { operationId } = fromBinary(ReleaseExecuteRequestSchema, request);
      return respond(stream, framed(ReleaseExecuteResponseSchema, { ...common, operationId }));
    }
    case "ReleaseSession":
      return respond(stream, framed(ReleaseSessionResponseSchema, common));
    default:
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": UNIMPLEMENTED },
        { endStream: true },
      );
  }
}

/** What Spark 4.3 says of its settings, as far as a client asks; none has been changed. */
const told: Readonly<Record<string, { value: string }>> = {
  "spark.connect.execute.reattachable.observerRetryBufferSize": { value: "10485760b" },
  "spark.connect.session.resultChunking.maxChunkSize": { value: "120795955b" },
};

async function requestOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).subarray(5);
}

function framed<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

async function respond(stream: ServerHttp2Stream, bytes: Buffer): Promise<void> {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    if (!stream.write(bytes.subarray(start, start + PIECE_BYTES))) await once(stream, "drain");
  }
  stream.end();
}

const server = createServer();
server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on("error", () => {}); // a client that goes away is no business of this server
  answer(stream, headers).catch(() => stream.destroy());
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit());
