/**
 * What a query answers, as the responses that Spark makes of it: schema, batches (whole or in chunks), metrics, the end.
 * Memory: each record batch is encoded once, however often it is part of a result.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RecordBatch, RecordBatchStreamWriter, type Table } from "apache-arrow";
import type { ExecutePlanResponseSchema } from "../connect/generated/spark-connect_pb.js";
import { withoutDictionaries } from "../connect/session/local-relation.js";
import { SparkStreamError } from "../errors.js";
import { sparkSchema } from "./spark-schema.js";

/** One message of a result; the ids in it are the server's business. */
export type ResponseInit = Exclude<MessageInitShape<typeof ExecutePlanResponseSchema>, { $typeName: string }>;

/** The result of a query. */
export interface ScriptedResult {
  /** The batches, sent as they are cut. A table without any gives one batch of 0 rows, as Spark does. */
  batches?: Table | readonly RecordBatch[];
  /** Bytes of a chunk: batches go out in chunks, if the client allows it (as Spark 4.1 and later). Default: whole. */
  chunkBytes?: number;
  /** false: no start_offset, as Spark 3.5 and other servers. Default: true. */
  offsets?: boolean;
  /** true: a progress message after each batch or chunk. Default: false. */
  progress?: boolean;
  /** Instead of all this: the responses, word for word. The last should be `{ responseType: { case: "resultComplete" } }`. */
  responses?: readonly ResponseInit[];
}

/** @throws SparkStreamError INVALID_ARGUMENT if there is not even a schema to send. */
export function responsesOf(result: ScriptedResult, allowChunks: boolean): readonly ResponseInit[] {
  if (result.responses) return result.responses;
  const { chunkBytes, offsets = true, progress = false } = result;
  const batches = batchesOf(result);
  const responses: ResponseInit[] = [{ schema: sparkSchema(batches[0]!.schema) }];
  let rows = 0;
  for (const batch of batches) {
    const told = { rowCount: BigInt(batch.numRows), ...(offsets && { startOffset: BigInt(rows) }) };
    rows += batch.numRows;
    for (const piece of pieces(encoded(batch), allowChunks ? chunkBytes : undefined)) {
      responses.push({ responseType: { case: "arrowBatch", value: { ...told, ...piece } } });
      if (progress) responses.push({ responseType: { case: "executionProgress", value: { numInflightTasks: 1n } } });
    }
  }
  responses.push({ metrics: { metrics: [] } }, { responseType: { case: "resultComplete", value: {} } });
  return responses;
}

export function batchesOf({ batches = [] }: ScriptedResult): readonly RecordBatch[] {
  if ("batches" in batches && batches.batches.length === 0) return [new RecordBatch(batches.schema)];
  const given = "batches" in batches ? batches.batches : batches;
  if (given.length > 0) return given.map(withoutDictionaries);
  const message = "A scripted result needs at least one record batch, which may be empty, or a Table.";
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}

function pieces(data: Uint8Array, chunkBytes: number | undefined) {
  if (chunkBytes === undefined) return [{ data }];
  const count = Math.max(1, Math.ceil(data.length / chunkBytes));
  return Array.from({ length: count }, (_, index) => ({
    data: data.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    chunkIndex: BigInt(index),
    numChunksInBatch: BigInt(count),
  }));
}

const encodings = new WeakMap<RecordBatch, Uint8Array>();

function encoded(batch: RecordBatch): Uint8Array {
  let bytes = encodings.get(batch);
  if (!bytes) {
    bytes = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
    encodings.set(batch, bytes);
  }
  return bytes;
}
