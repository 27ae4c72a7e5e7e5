/**
 * A core Writable of record batches that sends an encoder's bytes to one target. In, apache-arrow RecordBatch, all of one
 * schema; out, bytes, the last of them before "finish".
 *
 * Memory: one batch, two pieces, and the state of the encoder. A batch is done when its bytes are with the target, or with the encoder.
 * Encoding happens on this thread; between the pieces that an encoder yields the event loop turns, if that is due.
 */
import type { Writable } from "node:stream";
import type { RecordBatch } from "apache-arrow";
import type { Pieces } from "../arrow/batch-encoder.js";
import { turn, turnIsDue } from "../runtime/event-loop.js";
import { BatchEncoding, type BatchWriterOptions, type LoadEncoder } from "./batch-encoding.js";
import type { ByteTarget } from "./files/byte-target.js";
import { targetOf } from "./files/target-of.js";
import { TargetWriter } from "./files/target-writer.js";

/**
 * A core Writable in objectMode, of apache-arrow RecordBatch. (Nobody can call the signatures of `never`; with them it is a
 * NodeJS.WritableStream, as `pipeline()` and `pipe()` want.)
 */
export interface BatchWritable extends Writable {
  write(chunk: RecordBatch, callback?: (error: Error | null | undefined) => void): boolean;
  write(chunk: RecordBatch, encoding?: BufferEncoding, callback?: (error: Error | null | undefined) => void): boolean;
  write(chunk: never, callback?: (error: Error | null | undefined) => void): boolean;
  write(chunk: never, encoding?: BufferEncoding, callback?: (error: Error | null | undefined) => void): boolean;
  end(callback?: () => void): this;
  end(chunk: RecordBatch, callback?: () => void): this;
  end(chunk: RecordBatch, encoding?: BufferEncoding, callback?: () => void): this;
  end(chunk: never, callback?: () => void): this;
  end(chunk: never, encoding?: BufferEncoding, callback?: () => void): this;
}

/**
 * @internal
 * @param wrap around the target, such as a compression
 * @throws SparkStreamError INVALID_ARGUMENT for a target that is none
 */
export function batchWriter(
  name: string,
  target: string | URL | Writable,
  options: BatchWriterOptions,
  load: LoadEncoder,
  wrap: (target: ByteTarget) => ByteTarget = (same) => same,
): BatchWritable {
  return new BatchWriter(wrap(targetOf(target)), new BatchEncoding(name, options, () => load(1)), options.signal);
}

class BatchWriter extends TargetWriter {
  readonly #encoding: BatchEncoding;
  #writing: Promise<void> = Promise.resolve();

  constructor(target: ByteTarget, encoding: BatchEncoding, signal: AbortSignal | undefined) {
    super(target, { objectMode: true, highWaterMark: 1 }, signal);
    this.#encoding = encoding;
  }

  protected override async open(): Promise<void> {
    await Promise.all([this.#encoding.open(), super.open()]);
  }

  protected override async take(chunk: unknown): Promise<void> {
    const pieces = this.#encoding.batch(chunk);
    await this.#send(pieces instanceof Promise ? await pieces : pieces);
  }

  protected override async finish(): Promise<void> {
    await this.#send(await this.#encoding.finish());
  }

  async #send(pieces: Pieces): Promise<void> {
    for await (const bytes of pieces) {
      if (bytes) await this.#write(bytes);
      if (turnIsDue()) await turn();
      if (this.destroyed) return;
    }
    await this.#writing;
  }

  /** Settles when the bytes before are with the target: while these are on their way, the next ones are made. */
  async #write(bytes: Uint8Array): Promise<void> {
    await this.#writing; // rejects once the writer is destroyed
    this.#writing = this.target.write(bytes);
    this.#writing.catch(() => {}); // who waits for it gets it
    if (this.target.keepsNone) this.#encoding.written();
  }
}
