/**
 * How much the buffers of one compressed body may come to: checked by what they claim, before any of them is decompressed.
 * A few kilobytes of zstd can claim, and become, gigabytes.
 */
import { SparkStreamError } from "../../errors.js";
import { invalidIpc } from "./invalid-ipc.js";

/** Bytes of one body, decompressed. Spark makes batches of 90 MB at the most, unless a single row is larger. */
const MAX_BODY = 512 * 1024 * 1024;
/** Bytes that a buffer may have besides twice those that its field needs: writers pad, and leave room. */
const SLACK = 64 * 1024;

export class RestoredBytes {
  #total = 0;

  /**
   * Notes a buffer that claims to hold `length` bytes.
   *
   * @param needed bytes that its field needs, if that is known
   * @throws SparkStreamError INVALID_IPC for a claim that cannot be, MESSAGE_TOO_LARGE for one that is over the limit
   */
  add(length: number, needed = length): void {
    if (length > 2 * needed + SLACK) {
      throw invalidIpc(`a compressed buffer claims to hold ${length} bytes where ${needed} are needed`);
    }
    this.#total += length;
    if (this.#total <= MAX_BODY) return;
    const message =
      `A batch comes to more than ${MAX_BODY} bytes when it is decompressed, which is the limit here. Ask for fewer rows per ` +
      'batch, maxRecordsPerBatch, or for batches that are not compressed: sparkStream(df, { compression: "none" }).';
    throw new SparkStreamError("MESSAGE_TOO_LARGE", message);
  }
}
