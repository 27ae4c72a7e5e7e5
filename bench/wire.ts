/** Spark Connect by grpc-js alone, with the options of lib/connect/channel.ts and nothing else of it. */
import { randomUUID } from "node:crypto";
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials, Metadata } from "@grpc/grpc-js";
import {
  ExecutePlanRequestSchema,
  ReleaseSessionRequestSchema,
  ReleaseSessionResponseSchema,
} from "../lib/connect/generated/spark-connect_pb.js";
import type { Endpoint } from "../lib/connect/rpc/endpoint.js";

export interface WireClient {
  readonly grpc: Client;
  readonly metadata: Metadata;
  /** What every request begins with. */
  readonly common: {
    readonly sessionId: string;
    readonly userContext: { readonly userId: string };
    readonly clientType: string;
  };
}

export interface ExecuteOptions {
  /** Bytes at which Spark cuts a batch into chunks; default: its own maximum. */
  chunkBytes?: number;
}

/** The path of a method, as HTTP/2 names it. */
export function methodPath(name: string): string {
  return `/spark.connect.SparkConnectService/${name}`;
}

/** A client without TLS, which connects with its first call. */
export async function openClient(endpoint: Endpoint, sessionId: string): Promise<WireClient> {
  const grpc = new Client(endpoint.address, credentials.createInsecure(), {
    // What suits a drain best, which is hardly slower than the server: with 1 MiB it is 4 to 20 % slower.
    "grpc-node.flow_control_window": 4 * 1024 * 1024,
    "grpc.max_receive_message_length": endpoint.maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0,
    "grpc.primary_user_agent": endpoint.userAgent,
  });
  const metadata = new Metadata();
  const token = await endpoint.token();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const { userId, userAgent } = endpoint;
  return { grpc, metadata, common: { sessionId, userContext: { userId }, clientType: userAgent } };
}

/** Runs a query, as the package does; what comes out of the stream is what `deserialize` makes of a response. */
export function executePlan<T>(
  { grpc, metadata, common }: WireClient,
  query: string,
  deserialize: (bytes: Buffer) => T,
  { chunkBytes }: ExecuteOptions = {},
): TypedStream<T> {
  const chunking = {
    allowArrowBatchChunking: true,
    ...(chunkBytes !== undefined && { preferredArrowChunkSize: BigInt(chunkBytes) }),
  };
  const request = create(ExecutePlanRequestSchema, {
    ...common,
    operationId: randomUUID(),
    plan: { opType: { case: "root", value: { relType: { case: "sql", value: { query } } } } },
    requestOptions: [
      { requestOption: { case: "reattachOptions", value: { reattachable: true } } },
      { requestOption: { case: "resultChunkingOptions", value: chunking } },
    ],
  });
  return grpc.makeServerStreamRequest(
    methodPath("ExecutePlan"),
    (message) => bytesOf(ExecutePlanRequestSchema, message),
    deserialize,
    request,
    metadata,
  ) as TypedStream<T>;
}

type TypedStream<T> = ClientReadableStream<T> & { on(event: "data", listener: (message: T) => void): unknown };

/** Ends the session on the server, with all that it holds for it, and closes the client. */
export async function releaseSession({ grpc, metadata, common }: WireClient): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    grpc.makeUnaryRequest(
      methodPath("ReleaseSession"),
      (message) => bytesOf(ReleaseSessionRequestSchema, message),
      (bytes) => fromBinary(ReleaseSessionResponseSchema, bytes),
      create(ReleaseSessionRequestSchema, common),
      metadata,
      (error) => (error ? reject(error) : resolve()),
    );
  });
  grpc.close();
}

function bytesOf<D extends DescMessage>(schema: D, message: MessageShape<D>): Buffer {
  return Buffer.from(toBinary(schema, message));
}
