/**
 * Arrow's IPC file, or stream. In, apache-arrow RecordBatch; out, bytes.
 *
 * Memory: one batch and a piece of its message, which is a copy of it; of a file also 24 bytes per batch, for the footer.
 */
import type { RecordBatch, Schema, Vector } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import type { BatchEncoder } from "../batch-writer.js";
import { batchBuffers, type ColumnBuffers, joinedBuffers } from "./column-buffers.js";
import { type Block, fileEnd, fileStart } from "./file-footer.js";
import {
  batchMessage,
  endOfStream,
  type IpcMessage,
  messageBytes,
  messageLength,
  messagePieces,
  newDictionaries,
  schemaMessage,
} from "./message.js";

/** A schema, batches with the dictionaries that they need, and the mark of the end; around it what a file has. */
export class ArrowEncoder implements BatchEncoder {
  readonly #schema: IpcMessage;
  readonly #file: boolean;
  /** By their ids, as they were written last. */
  readonly #dictionaries = new Map<number, Vector>();
  readonly #dictionaryBlocks: Block[] = [];
  readonly #batchBlocks: Block[] = [];
  /** Bytes so far. */
  #position = 0;

  constructor(schema: Schema, format: "file" | "stream") {
    this.#schema = schemaMessage(schema);
    this.#file = format === "file";
  }

  *batch(batch: RecordBatch): Generator<Uint8Array> {
    yield* this.#begin();
    const columns = joinedBuffers(batch.numRows, batchBuffers(batch));
    if (this.#file) this.#checkDictionaries(columns);
    for (const message of newDictionaries(columns, this.#dictionaries)) {
      yield* this.#placed(message, this.#dictionaryBlocks);
    }
    yield* this.#placed(batchMessage(columns), this.#batchBlocks);
  }

  *finish(): Generator<Uint8Array> {
    yield* this.#begin();
    yield endOfStream;
    if (this.#file) yield fileEnd(this.#schema.head, this.#dictionaryBlocks, this.#batchBlocks);
  }

  *#begin(): Generator<Uint8Array> {
    if (this.#position > 0) return;
    const start = this.#file ? fileStart : new Uint8Array(0);
    this.#position = start.length + messageLength(this.#schema);
    if (this.#file) yield start;
    yield messageBytes(this.#schema);
  }

  #placed(message: IpcMessage, blocks: Block[]): Iterable<Uint8Array> {
    if (this.#file)
      blocks.push({ offset: this.#position, headLength: 8 + message.head.length, bodyLength: message.size });
    this.#position += messageLength(message);
    return messagePieces(message);
  }

  /** A reader of a file takes its messages in any order, so there can be one dictionary of a column. */
  #checkDictionaries({ dictionaries }: ColumnBuffers): void {
    for (const [id, dictionary] of dictionaries) {
      if ((this.#dictionaries.get(id) ?? dictionary) === dictionary) continue;
      const message = `The dictionary ${id} of the record batches changes, which an Arrow file cannot hold. Write a stream: arrowWriter(target, { format: "stream" }).`;
      throw new SparkStreamError("UNSUPPORTED_TYPE", message);
    }
  }
}
