/**
 * What all sinks of record batches do with them, wherever the bytes go: checks each batch, makes the encoder with the first,
 * and the encoder of a stream without any with the schema of the options. In, apache-arrow RecordBatch, all of one schema;
 * out, the encoder's pieces. Memory: the state of the encoder.
 */
import type { Field, RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder, NewEncoder, Pieces } from "../arrow/batch-encoder.js";
import { SparkStreamError } from "../errors.js";
import { abortSignal, checkArgument, isObject, type OptionTable, oneOf } from "../runtime/check-options.js";
import type { InvalidText } from "./values/invalid-text.js";

/** Options of every sink of record batches. */
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
 * @internal Loads the code that makes the encoder, and apache-arrow with it: not with this package, since loading takes longer
 * than all else there is to importing it.
 *
 * @param files how many files there may be at a time, which share the memory that one has
 */
export type LoadEncoder = (files: number) => Promise<NewEncoder>;

/** @internal Checks that batches are such, and of one schema, and what of their text is not UTF-8. */
export class BatchCheck {
  readonly #name: string;
  readonly #options: BatchWriterOptions;
  #batches!: typeof import("../arrow/batch-check.js");
  #texts!: typeof import("./values/invalid-text.js");
  #checkText: ((batch: RecordBatch) => RecordBatch) | undefined;
  #fields: readonly Field[] | undefined;

  /** @param name that of the sink, for errors */
  constructor(name: string, options: BatchWriterOptions) {
    this.#name = name;
    this.#options = options;
    // It may reject long before it is needed, or without being needed.
    Promise.resolve(options.schema).catch(() => {});
  }

  /** The columns of the first batch. */
  get fields(): readonly Field[] {
    return this.#fields ?? [];
  }

  /** Before the first batch. */
  async open(): Promise<void> {
    [this.#batches, this.#texts] = await Promise.all([
      import("../arrow/batch-check.js"),
      import("./values/invalid-text.js"),
    ]);
  }

  /** @throws SparkStreamError INVALID_INPUT or SCHEMA_MISMATCH */
  batch(chunk: unknown): RecordBatch {
    const { checkColumns, columnsOf, checkRecordBatch } = this.#batches;
    const batch = checkRecordBatch(chunk, this.#name);
    const fields = columnsOf(batch);
    if (!this.#fields) {
      this.#fields = fields;
      this.#checkText = this.#texts.textCheck(fields, this.#options.invalidText);
    }
    checkColumns(this.#fields, fields);
    return this.#checkText?.(batch) ?? batch;
  }
}

/** @internal Batches and the encoder of one file. */
export class BatchEncoding {
  readonly #name: string;
  readonly #options: BatchWriterOptions;
  readonly #load: () => Promise<NewEncoder>;
  readonly #check: BatchCheck;
  #newEncoder!: NewEncoder;
  #schemas!: typeof import("../arrow/writer-schema.js");
  #encoder: BatchEncoder | undefined;

  /** @param name that of the sink, for errors */
  constructor(name: string, options: BatchWriterOptions, load: () => Promise<NewEncoder>) {
    this.#name = name;
    this.#options = options;
    this.#load = load;
    this.#check = new BatchCheck(name, options);
  }

  /** Before the first batch. */
  async open(): Promise<void> {
    [this.#newEncoder, this.#schemas] = await Promise.all([
      this.#load(),
      import("../arrow/writer-schema.js"),
      this.#check.open(),
    ]);
  }

  /**
   * The bytes that are ready with this batch. A promise for the first one alone, so that what fails next to come does not
   * overtake the bytes of this batch.
   *
   * @throws SparkStreamError INVALID_INPUT, SCHEMA_MISMATCH or UNSUPPORTED_TYPE
   */
  batch(chunk: unknown): Pieces | Promise<Pieces> {
    const batch = this.#check.batch(chunk);
    if (this.#encoder) return this.#encoder.batch(batch);
    const made = this.#newEncoder(this.#schemas.writerSchema(this.#check.fields, batch.schema.metadata));
    const first = (encoder: BatchEncoder) => {
      this.#encoder = encoder;
      return encoder.batch(batch);
    };
    return made instanceof Promise ? made.then(first) : first(made);
  }

  /** See {@link BatchEncoder.written}. */
  written(): void {
    this.#encoder?.written?.();
  }

  /** The last bytes. @throws SparkStreamError INVALID_INPUT if there was no batch, and no schema is given */
  async finish(): Promise<Pieces> {
    return (this.#encoder ?? (await this.#emptyEncoder())).finish();
  }

  async #emptyEncoder(): Promise<BatchEncoder> {
    const schema = await schemaOf(this.#name, this.#options);
    return await this.#newEncoder(this.#schemas.writerSchema(schema.fields, schema.metadata));
  }
}

/** @internal The schema of the options. @throws SparkStreamError INVALID_INPUT if none is given */
export async function schemaOf(name: string, options: BatchWriterOptions): Promise<Schema> {
  const schema = await options.schema;
  if (schema !== undefined) checkArgument(name, "schema", schema, [isSchema, "an apache-arrow Schema"]);
  if (schema) return schema;
  throw new SparkStreamError(
    "INVALID_INPUT",
    `The stream ended without a record batch, so its columns are unknown. Pass the option schema to ${name}, or send one batch of 0 rows.`,
  );
}
