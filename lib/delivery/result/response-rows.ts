/**
 * From the responses of an execution to rows: the chunks of a batch are joined, and responses without data are left
 * out. Memory: the batch whose chunks come. Each chunk is copied once, as it comes, into memory that is made with the first one, for all
 * of them; what they claim to be is believed up to CLAIMED bytes. A batch that came whole is not copied.
 */

import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { ExecutePlanResponse, ExecutePlanResponse_ArrowBatch } from "../../connect/generated/spark-connect_pb.js";
import { incompleteResult, SparkStreamError } from "../../errors.js";

/** Bytes of a batch: it is an array of bytes to Spark, and Java's have no more. */
const MAX_BATCH = 2 ** 31 - 1;
/** Chunks of a batch: none but the last is smaller than this many bytes (Spark's least preferred size). */
const MAX_CHUNKS = Math.ceil(MAX_BATCH / 1024);

const NOTHING = new Uint8Array(0);
/** Bytes of a batch for which there is memory before they have come. */
const CLAIMED = 64 * 1024 * 1024;

/** Joins the chunks of one execution's batches. Every row it gives owns its bytes. */
export class BatchAssembler {
  /** What the chunks are copied into. */
  #data: Uint8Array = NOTHING;
  /** The chunks that have come, and their bytes. */
  #chunks = 0;
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
    if (response.responseType.case === "resultComplete" && this.#chunks > 0) {
      throw incompleteResult(`the result ends within a batch, after ${this.#chunks} of its chunks`);
    }
    return undefined; // progress and metrics come between any two chunks
  }

  #take(batch: ExecutePlanResponse_ArrowBatch): ArrowIpcRow | undefined {
    const count = Number(batch.numChunksInBatch ?? 1n);
    const index = Number(batch.chunkIndex ?? 0n);
    if (index !== this.#chunks || index >= count) {
      throw incompleteResult(`chunk ${index} of ${count} arrived in the place of chunk ${this.#chunks}`);
    }
    if (count === 1) return row(batch, batch.data);
    if (count > MAX_CHUNKS) throw tooLarge(`it claims to have ${count} chunks`);
    const bytes = this.#bytes + batch.data.length;
    if (bytes > MAX_BATCH) throw tooLarge(`${index + 1} of its ${count} chunks have ${bytes} bytes`);
    this.#first ??= batch;
    if (!describesSame(batch, this.#first))
      throw incompleteResult(`chunk ${index} of ${count} belongs to another batch`);
    this.#add(batch.data, count);
    if (this.#chunks < count) return undefined;
    const data = this.#data.subarray(0, bytes);
    this.#data = NOTHING;
    this.#chunks = 0;
    this.#bytes = 0;
    this.#first = undefined;
    return row(batch, data);
  }

  /** All chunks but the last have the same size. */
  #add(chunk: Uint8Array, count: number): void {
    const needed = this.#bytes + chunk.length;
    if (needed > this.#data.length) {
      const wanted = Math.max(needed, Math.min(chunk.length * count, CLAIMED), 2 * this.#bytes);
      const data = Buffer.allocUnsafeSlow(Math.min(wanted, MAX_BATCH));
      data.set(this.#data.subarray(0, this.#bytes));
      this.#data = data;
    }
    this.#data.set(chunk, this.#bytes);
    this.#bytes = needed;
    this.#chunks++;
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
