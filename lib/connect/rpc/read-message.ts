import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";

/**
 * Messages within messages. Spark reads as many (spark.connect.grpc.marshallerRecursionLimit), as does its Scala client;
 * protobuf-es and PySpark stop at 100, which is a type of 33 structs, one within the other.
 */
export const MAX_NESTING = 1024;

/** Reads a message of the protocol. @throws Error where the bytes are no such message. */
export function readMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return fromBinary(schema, bytes, { recursionLimit: MAX_NESTING });
}
