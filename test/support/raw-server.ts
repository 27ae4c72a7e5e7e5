/**
 * A Spark Connect server that answers ExecutePlan with bytes, whatever they are; and every other call with the least that
 * there is.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { SparkConnectService } from "../../lib/connect/generated/spark-connect_pb.js";

export interface RawServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * @param answer the messages of the next ExecutePlan
 * @param options of gRPC, such as its compression
 */
export async function startRawServer(
  answer: () => readonly Uint8Array[],
  options: ServerOptions = {},
): Promise<RawServer> {
  const grpc = new Server({ "grpc.max_send_message_length": -1, ...options });
  const bytes = (value: Uint8Array) => Buffer.from(value);
  const methods = SparkConnectService.methods.filter(({ methodKind }) => methodKind !== "client_streaming");
  const definition = methods.map(({ localName, name, methodKind, parent }) => [
    localName,
    {
      path: `/${parent.typeName}/${name}`,
      requestStream: false,
      responseStream: methodKind === "server_streaming",
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  ]);
  const handlers = methods.map(({ localName, methodKind, output }) => [
    localName,
    methodKind === "unary"
      ? (_call: unknown, done: sendUnaryData<Uint8Array>) => done(null, toBinary(output, create(output)))
      : (call: ServerWritableStream<Uint8Array, Uint8Array>) => {
          if (localName === "reattachExecute")
            return call.emit("error", { code: status.INTERNAL, details: "that is all" });
          for (const message of answer()) call.write(message);
          call.end();
        },
  ]);
  grpc.addService(Object.fromEntries(definition), Object.fromEntries(handlers));

  const injectors = ServerCredentials.createInsecure();
  const tcp = createServer((socket) => {
    socket.on("error", () => {});
    grpc.createConnectionInjector(injectors).injectConnection(socket);
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  return {
    url: `sc://127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      grpc.forceShutdown();
      tcp.close();
    },
  };
}
