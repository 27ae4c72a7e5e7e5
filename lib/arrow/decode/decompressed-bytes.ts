/**
 * Bounds the bytes of one compressed body once it is decompressed, by what its buffers claim, before any of them is
 * decompressed. A few kilobytes of zstd can claim, and become, gigabytes.
 */
import { SparkStreamError } from "../../errors.js";
import { invalidIpc } from "./invalid-ipc.js";

/** Bytes of one body, decompressed. Spark makes batches of 90 MB at the most, unless a single row is larger. */
const MAX_BODY = 512 * 1024 * 1024;
/** Bytes that a buffer may have beyond twice those that its field needs: writers pad, and leave room. */
const SLACK = 64 * 1024;

export class DecompressedBytes {
  #total = 0;

  /**
   * Notes a buffer that claims to hold `length` bytes.
   *
   * @param needed bytes that its field needs, if that is known
   * @throws SparkStreamError INVALID_IPC for an impossible claim, MESSAGE_TOO_LARGE for one over the limit
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
