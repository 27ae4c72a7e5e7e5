/**
 * Encodes an Arrow IPC file or stream. In: apache-arrow RecordBatch. Out: bytes.
 *
 * Memory: one batch and the copy of a piece of its message; for a file also 24 bytes per batch, for the footer.
 */
import type { Field, RecordBatch, Schema, Vector } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import type { BatchEncoder } from "../batch-encoder.js";
import { endOfStream, PREFIX_BYTES } from "../format.js";
import { batchBuffers, joinedBuffers } from "./column-buffers.js";
import { type Block, fileEnd, fileStart } from "./file-footer.js";
import {
  batchMessage,
  type DictionaryBuffers,
  dictionaryBuffers,
  dictionaryMessages,
  type EncodedMessage,
  messageBytes,
  messageLength,
  messagePieces,
  schemaMessage,
} from "./message.js";

/**
 * Writes the schema, batches with the dictionaries they need, and the end mark; for a file also its start and footer.
 */
export class ArrowEncoder implements BatchEncoder {
  readonly #schema: EncodedMessage;
  readonly #fields: readonly Field[];
  readonly #file: boolean;
  /** The last written version of each dictionary, by its id. */
  readonly #dictionaries = new Map<number, Vector>();
  readonly #dictionaryBlocks: Block[] = [];
  readonly #batchBlocks: Block[] = [];
  /** Bytes written so far. */
  #position = 0;

  constructor(schema: Schema, format: "file" | "stream") {
    this.#schema = schemaMessage(schema);
    this.#fields = schema.fields;
    this.#file = format === "file";
  }

  *batch(batch: RecordBatch): Generator<Uint8Array> {
    yield* this.#begin();
    const columns = joinedBuffers(batch.numRows, batchBuffers(batch, this.#fields));
    const known = (id: number, vector: Vector) => this.#dictionaries.get(id) === vector;
    const dictionaries = dictionaryBuffers(columns, known);
    if (this.#file) this.#checkDictionaries(dictionaries);
    for (const dictionary of dictionaries) {
      this.#dictionaries.set(dictionary.id, dictionary.vector);
      for (const message of dictionaryMessages(dictionary)) yield* this.#placed(message, this.#dictionaryBlocks);
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

  #placed(message: EncodedMessage, blocks: Block[]): Iterable<Uint8Array> {
    if (this.#file)
      blocks.push({ offset: this.#position, headLength: PREFIX_BYTES + message.head.length, bodyLength: message.size });
    this.#position += messageLength(message);
    return messagePieces(message);
  }

  /** Checks that a file gets one dictionary per column: readers may take a file's messages in any order. */
  #checkDictionaries(dictionaries: readonly DictionaryBuffers[]): void {
    for (const { id } of dictionaries) {
      if (!this.#dictionaries.has(id)) continue;
      const message = `The dictionary ${id} of the record batches changes, which an Arrow file cannot hold. Write a stream: arrowWriter(target, { format: "stream" }).`;
      throw new SparkStreamError("UNSUPPORTED_TYPE", message);
    }
  }
}
