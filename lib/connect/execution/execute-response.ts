/**
 * Reads the responses of an execution. One that brings rows is read field by field, in half the time that protobuf-es
 * needs for any message; every other, and every one with a field that is not expected beside rows, is left to protobuf-es.
 * What comes out is the same.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  type ExecutePlanResponse,
  type ExecutePlanResponse_ArrowBatch,
  ExecutePlanResponseSchema,
} from "../generated/spark-connect_pb.js";
import { readMessage } from "../rpc/messages.js";

/** @throws Error if the bytes are not such a message. */
export function readExecutePlanResponse(bytes: Buffer): ExecutePlanResponse {
  return readBatchResponse(bytes) ?? readMessage(ExecutePlanResponseSchema, bytes);
}

/** What stands before each field on the wire: `number << 3 | wire type`. */
const tag = {
  sessionId: (1 << 3) | WireType.LengthDelimited,
  arrowBatch: (2 << 3) | WireType.LengthDelimited,
  operationId: (12 << 3) | WireType.LengthDelimited,
  responseId: (13 << 3) | WireType.LengthDelimited,
  serverSideSessionId: (15 << 3) | WireType.LengthDelimited,
} as const;

/** The same for the fields of a batch. */
const batchTag = {
  rowCount: (1 << 3) | WireType.Varint,
  data: (2 << 3) | WireType.LengthDelimited,
  startOffset: (3 << 3) | WireType.Varint,
  chunkIndex: (4 << 3) | WireType.Varint,
  numChunksInBatch: (5 << 3) | WireType.Varint,
} as const;

const noData = new Uint8Array(0);

/** Undefined if it brings no rows, or something else besides, or ends too soon. */
function readBatchResponse(bytes: Buffer): ExecutePlanResponse | undefined {
  const reader = new BinaryReader(bytes);
  const response: ExecutePlanResponse = {
    $typeName: "spark.connect.ExecutePlanResponse",
    sessionId: "",
    serverSideSessionId: "",
    operationId: "",
    responseId: "",
    responseType: { case: undefined },
    observedMetrics: [],
  };
  while (reader.pos < bytes.length) {
    switch (reader.uint32()) {
      case tag.sessionId:
        response.sessionId = readText(reader, bytes);
        break;
      case tag.serverSideSessionId:
        response.serverSideSessionId = readText(reader, bytes);
        break;
      case tag.operationId:
        response.operationId = readText(reader, bytes);
        break;
      case tag.responseId:
        response.responseId = readText(reader, bytes);
        break;
      case tag.arrowBatch: {
        const value = readBatch(reader);
        // Two would have to be merged.
        if (value === undefined || response.responseType.case !== undefined) return undefined;
        response.responseType = { case: "arrowBatch", value };
        break;
      }
      default:
        return undefined;
    }
  }
  return response.responseType.case !== undefined && reader.pos === bytes.length ? response : undefined;
}

function readBatch(reader: BinaryReader): ExecutePlanResponse_ArrowBatch | undefined {
  const length = reader.uint32();
  const end = reader.pos + length;
  const batch: ExecutePlanResponse_ArrowBatch = {
    $typeName: "spark.connect.ExecutePlanResponse.ArrowBatch",
    rowCount: 0n,
    data: noData,
  };
  while (reader.pos < end) {
    switch (reader.uint32()) {
      case batchTag.rowCount:
        batch.rowCount = BigInt(reader.int64());
        break;
      case batchTag.data:
        batch.data = reader.bytes();
        break;
      case batchTag.startOffset:
        batch.startOffset = BigInt(reader.int64());
        break;
      case batchTag.chunkIndex:
        batch.chunkIndex = BigInt(reader.int64());
        break;
      case batchTag.numChunksInBatch:
        batch.numChunksInBatch = BigInt(reader.int64());
        break;
      default:
        return undefined;
    }
  }
  return batch;
}

function readText(reader: BinaryReader, bytes: Buffer): string {
  const before = reader.pos;
  const length = reader.uint32();
  const start = reader.pos;
  reader.pos += length;
  const text = bytes.toString("utf8", start, reader.pos);
  if (!text.includes("\ufffd")) return text;
  reader.pos = before;
  return reader.string(true); // throws if it is not UTF-8
}
