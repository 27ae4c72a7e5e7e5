/**
 * Bounds the decompressed size of one body by the sizes that its buffers claim, before any buffer is decompressed. A
 * few kilobytes of zstd can claim, and become, gigabytes.
 */
import { SparkStreamError } from "../../errors.js";
import { invalidIpc } from "./invalid-ipc.js";

/**
 * The most bytes that one body may decompress to. Spark's batches have at most 90 MB, unless a single row is larger.
 */
const MAX_BODY = 512 * 1024 * 1024;
/** Bytes that a buffer may have beyond twice what its field needs: writers pad, and leave spare room. */
const SLACK = 64 * 1024;

export class DecompressedBytes {
  #total = 0;

  /**
   * Adds a buffer that claims to hold `length` bytes.
   *
   * @param needed bytes that its field needs, if known
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
