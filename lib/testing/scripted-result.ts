/**
 * Makes the responses of a query's result as Spark does: schema, batches (whole or in chunks), metrics, the end.
 * Memory: each record batch is encoded once, however often it is part of a result.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RecordBatch, RecordBatchStreamWriter, type Table } from "apache-arrow";
import type { ExecutePlanResponseSchema } from "../connect/generated/spark-connect_pb.js";
import { SparkStreamError } from "../errors.js";
import { withoutDictionaries } from "./plain-batches.js";
import { sparkSchema } from "./spark-schema.js";

/** One message of a result, without ids, which the server adds. */
export type ResponseInit = Exclude<MessageInitShape<typeof ExecutePlanResponseSchema>, { $typeName: string }>;

/** The result of a query. */
export interface ScriptedResult {
  /**
   * The batches, sent with the boundaries given. A table without batches is sent as one batch of 0 rows, as in Spark.
   */
  batches?: Table | readonly RecordBatch[];
  /** The size of chunks, in bytes, if the client allows chunks (as Spark 4.1 and later). Default: whole batches. */
  chunkBytes?: number;
  /** false: sends no start_offset, like Spark 3.5 and other servers. Default: true. */
  offsets?: boolean;
  /** true: sends a progress message after each batch or chunk. Default: false. */
  progress?: boolean;
  /** The exact responses, instead of all this. The last should be `{ responseType: { case: "resultComplete" } }`. */
  responses?: readonly ResponseInit[];
}

/** @throws SparkStreamError INVALID_ARGUMENT if there is no schema to send. */
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
