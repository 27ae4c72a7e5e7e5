/** Messages of the protocol to bytes and back. */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

/**
 * Messages within messages. Spark reads as many (spark.connect.grpc.marshallerRecursionLimit), as does its Scala client.
 * The default of protobuf-es (`recursionLimit`), and of PySpark, is 100: a type of 33 structs, one within the other.
 */
export const MAX_NESTING = 1024;

/** Reads a message. @throws Error if the bytes are not such a message. */
export function readMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return fromBinary(schema, bytes, { recursionLimit: MAX_NESTING });
}

/** As gRPC wants it. */
export function serializer<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** As gRPC wants it. */
export function deserializer<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => readMessage(schema, bytes);
}
