/** Adds the service to grpc-js: described by the protocol's descriptors, with one function per kind of call. */
import { create, type Message } from "@bufbuild/protobuf";
import type {
  Metadata,
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type ExecutePlanRequest,
  type ExecutePlanResponse,
  type ReattachExecuteRequest,
  SparkConnectService,
} from "../connect/generated/spark-connect_pb.js";
import { deserializer, serializer } from "../connect/rpc/messages.js";
import type { ScriptedMethod } from "./server-options.js";

export type StreamCall = ServerWritableStream<ExecutePlanRequest | ReattachExecuteRequest, ExecutePlanResponse>;

export interface CallHandlers {
  /** Answers a unary call. Its errors go through `statusOf`. */
  answer(method: ScriptedMethod, message: Message, metadata: Metadata): Promise<Record<string, unknown>>;
  /** Answers a streaming call, to its end. */
  stream(method: "executePlan" | "reattachExecute", call: StreamCall): void;
  statusOf(error: unknown): Error;
}

/** Adds all calls except AddArtifacts, which is thus answered with UNIMPLEMENTED. */
export function addSparkConnect(server: Server, service: CallHandlers): void {
  const methods = SparkConnectService.methods.filter(({ methodKind }) => methodKind !== "client_streaming");
  const definition = methods.map(({ localName, name, methodKind, parent, input, output }) => [
    localName,
    {
      path: `/${parent.typeName}/${name}`,
      requestStream: false,
      responseStream: methodKind === "server_streaming",
      requestSerialize: serializer(input),
      requestDeserialize: deserializer(input),
      responseSerialize: serializer(output),
      responseDeserialize: deserializer(output),
    },
  ]);
  const handlers: UntypedServiceImplementation = {
    executePlan: (call: StreamCall) => service.stream("executePlan", call),
    reattachExecute: (call: StreamCall) => service.stream("reattachExecute", call),
  };
  for (const { localName, methodKind, output } of methods) {
    if (methodKind !== "unary") continue;
    handlers[localName] = ({ request, metadata }: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>) => {
      service.answer(localName as ScriptedMethod, request, metadata).then(
        (init) => done(null, create(output, init)),
        (error) => done(service.statusOf(error)),
      );
    };
  }
  server.addService(Object.fromEntries(definition), handlers);
}
