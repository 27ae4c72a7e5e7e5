/**
 * From the responses of an execution to rows: the chunks of a batch are joined, and responses without data are left
 * out. Memory: the chunks of one batch that have come, MAX_BATCH at the most, and for a moment the batch beside them: they are copied once, which is the joining
 * itself. A batch that came whole is not copied.
 */

import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { ExecutePlanResponse, ExecutePlanResponse_ArrowBatch } from "../../connect/generated/spark-connect_pb.js";
import { incompleteResult, SparkStreamError } from "../../errors.js";

/** Bytes of a batch: it is an array of bytes to Spark, and Java's have no more. */
const MAX_BATCH = 2 ** 31 - 1;
/** Chunks of a batch: none but the last is smaller than this many bytes (Spark's least preferred size). */
const MAX_CHUNKS = Math.ceil(MAX_BATCH / 1024);

/** Joins the chunks of one execution's batches. Every row it gives owns its bytes. */
export class BatchAssembler {
  #chunks: Uint8Array[] = [];
  /** Bytes of all chunks. */
  #bytes = 0;
  /** The first of them. */
  #first: ExecutePlanResponse_ArrowBatch | undefined;

  /**
   * The row that this response completes, if it does.
   *
   * @throws SparkStreamError INCOMPLETE_RESULT if a chunk is missing, MESSAGE_TOO_LARGE for a batch that Spark cannot make
   */
  take(response: ExecutePlanResponse): ArrowIpcRow | undefined {
    if (response.responseType.case === "arrowBatch") return this.#take(response.responseType.value);
    if (response.responseType.case === "resultComplete" && this.#chunks.length > 0) {
      throw incompleteResult(`the result ends within a batch, after ${this.#chunks.length} of its chunks`);
    }
    return undefined; // progress and metrics come between any two chunks
  }

  #take(batch: ExecutePlanResponse_ArrowBatch): ArrowIpcRow | undefined {
    const count = Number(batch.numChunksInBatch ?? 1n);
    const index = Number(batch.chunkIndex ?? 0n);
    if (index !== this.#chunks.length || index >= count) {
      throw incompleteResult(`chunk ${index} of ${count} arrived in the place of chunk ${this.#chunks.length}`);
    }
    if (count === 1) return row(batch, batch.data);
    if (count > MAX_CHUNKS) throw tooLarge(`it claims to have ${count} chunks`);
    this.#bytes += batch.data.length;
    if (this.#bytes > MAX_BATCH) throw tooLarge(`${index + 1} of its ${count} chunks have ${this.#bytes} bytes`);
    this.#first ??= batch;
    if (!describesSame(batch, this.#first))
      throw incompleteResult(`chunk ${index} of ${count} belongs to another batch`);
    this.#chunks.push(batch.data);
    if (this.#chunks.length < count) return undefined;
    const data = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#bytes = 0;
    this.#first = undefined;
    return row(batch, data);
  }
}

/** Each chunk describes its whole batch: the number of its rows, and their position. */
function describesSame(a: ExecutePlanResponse_ArrowBatch, b: ExecutePlanResponse_ArrowBatch): boolean {
  return a.rowCount === b.rowCount && a.startOffset === b.startOffset && a.numChunksInBatch === b.numChunksInBatch;
}

function row(batch: ExecutePlanResponse_ArrowBatch, data: Uint8Array): ArrowIpcRow {
  return {
    arrow_ipc_bytes: data,
    rowCount: Number(batch.rowCount),
    ...(batch.startOffset !== undefined && { startOffset: Number(batch.startOffset) }),
    owned: true,
  };
}

function tooLarge(what: string): SparkStreamError {
  const message = `A batch of the result is larger than the ${MAX_BATCH} bytes that Spark can put into one: ${what}.`;
  return new SparkStreamError("MESSAGE_TOO_LARGE", message);
}
