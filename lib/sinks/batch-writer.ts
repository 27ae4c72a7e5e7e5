/**
 * What all writers have in common: a core Writable of record batches that sends an encoder's bytes to a target. In,
 * apache-arrow RecordBatch, all of one schema; out, bytes, the last of them before "finish".
 *
 * Memory: one batch, and the state of the encoder. A batch is done when its bytes are with the target, or with the encoder.
 * Encoding happens on this thread; between the pieces that an encoder yields the event loop turns, if that is due.
 */
import type { Writable } from "node:stream";
import type { Field, RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder, NewEncoder, Pieces } from "../arrow/batch-encoder.js";
import { SparkStreamError } from "../errors.js";
import { abortSignal, checkArgument, isObject, type OptionTable, oneOf } from "../runtime/check-options.js";
import { turn, turnIsDue } from "../runtime/event-loop.js";
import type { ByteTarget } from "./files/byte-target.js";
import { targetOf } from "./files/target-of.js";
import { TargetWriter } from "./files/target-writer.js";
import type { InvalidText } from "./values/invalid-text.js";

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

/** Options of every writer. */
export interface BatchWriterOptions {
  /**
   * The schema of a stream that may end without any batch. `sparkStream` needs none: it gives an empty result as one batch
   * of 0 rows.
   */
  schema?: Schema | Promise<Schema>;
  /** Destroys the writer with an AbortError. */
  signal?: AbortSignal;
  /**
   * What becomes of text that is not UTF-8, which Spark does not check: an INVALID_INPUT error that names the column and the
   * row, or U+FFFD in place of the broken bytes. Default: "error".
   */
  invalidText?: InvalidText;
}

/** @internal */
export const batchWriterOptions: OptionTable<BatchWriterOptions> = {
  schema: [(schema) => isSchema(schema) || isThenable(schema), "an apache-arrow Schema, or a promise of one"],
  signal: abortSignal,
  invalidText: oneOf("error", "replace"),
};

function isSchema(value: unknown): value is Schema {
  const { fields, metadata } = (isObject(value) ? value : {}) as Partial<Schema>;
  return (
    Array.isArray(fields) && fields.every((field) => isObject(field) && "type" in field) && metadata instanceof Map
  );
}

function isThenable(value: unknown): boolean {
  return isObject(value) && typeof (value as Partial<PromiseLike<unknown>>).then === "function";
}

/**
 * @internal
 * @param load of the code that makes the encoder, and of apache-arrow with it: while the target is opened, since loading
 *   takes longer than all else there is to importing this package
 * @throws SparkStreamError INVALID_ARGUMENT for a target that is none. */
export function batchWriter(
  name: string,
  target: string | URL | Writable,
  options: BatchWriterOptions,
  load: () => Promise<NewEncoder>,
): BatchWritable {
  return new BatchWriter(name, targetOf(target), options, load);
}

class BatchWriter extends TargetWriter {
  readonly #name: string;
  readonly #schema: BatchWriterOptions["schema"];
  readonly #load: () => Promise<NewEncoder>;
  #newEncoder!: NewEncoder;
  #batches!: typeof import("../arrow/batch-check.js");
  #schemas!: typeof import("../arrow/writer-schema.js");
  #texts!: typeof import("./values/invalid-text.js");
  readonly #invalidText: InvalidText | undefined;
  #checkText: ((batch: RecordBatch) => RecordBatch) | undefined;
  #encoder: BatchEncoder | undefined;
  #fields: readonly Field[] = [];

  constructor(name: string, target: ByteTarget, options: BatchWriterOptions, load: () => Promise<NewEncoder>) {
    super(target, { objectMode: true, highWaterMark: 1 }, options.signal);
    this.#name = name;
    this.#schema = options.schema;
    this.#invalidText = options.invalidText;
    this.#load = load;
    // It may reject long before it is needed, or without being needed.
    Promise.resolve(options.schema).catch(() => {});
  }

  protected override async open(): Promise<void> {
    [this.#newEncoder, this.#batches, this.#schemas, this.#texts] = await Promise.all([
      this.#load(),
      import("../arrow/batch-check.js"),
      import("../arrow/writer-schema.js"),
      import("./values/invalid-text.js"),
      super.open(),
    ]);
  }

  protected override async take(chunk: unknown): Promise<void> {
    const { checkColumns, columnsOf, checkRecordBatch } = this.#batches;
    const batch = checkRecordBatch(chunk, this.#name);
    const fields = columnsOf(batch);
    if (!this.#encoder) {
      const encoder = this.#newEncoder(this.#schemas.writerSchema(fields, batch.schema.metadata));
      // Not awaited if it is there: what fails next to come must not overtake the bytes of this batch.
      this.#encoder = encoder instanceof Promise ? await encoder : encoder;
      this.#fields = fields;
      this.#checkText = this.#texts.textCheck(fields, this.#invalidText);
    }
    checkColumns(this.#fields, fields);
    await this.#send(this.#encoder.batch(this.#checkText?.(batch) ?? batch));
  }

  protected override async finish(): Promise<void> {
    const encoder = this.#encoder ?? (await this.#emptyEncoder());
    await this.#send(encoder.finish());
  }

  async #send(pieces: Pieces): Promise<void> {
    for await (const bytes of pieces) {
      if (bytes) await this.target.write(bytes); // rejects once the writer is destroyed
      if (turnIsDue()) await turn();
      if (this.destroyed) return;
    }
  }

  async #emptyEncoder(): Promise<BatchEncoder> {
    const schema = await this.#schema;
    if (schema !== undefined) checkArgument(this.#name, "schema", schema, [isSchema, "an apache-arrow Schema"]);
    if (schema) return await this.#newEncoder(this.#schemas.writerSchema(schema.fields, schema.metadata));
    throw new SparkStreamError(
      "INVALID_INPUT",
      `The stream ended without a record batch, so its columns are unknown. Pass the option schema to ${this.#name}, or send one batch of 0 rows.`,
    );
  }
}
