/**
 * parquetWriter(): record batches to one Parquet file. In, apache-arrow RecordBatch; out, the file.
 *
 * Memory: one row group of Arrow data, and one of its columns while that is encoded. A batch is taken over at once while
 * its row group is being filled; the batch that fills it is done when the group is encoded and its bytes are with the
 * target. Encoding happens on this thread: a column of 64 MiB takes about a second, between columns others get a turn.
 */
import { addAbortSignal, Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { type Field, RecordBatch, type Schema } from "apache-arrow";
import { SparkStreamError } from "../errors.js";
import type { ByteTarget } from "./byte-target.js";
import { ownSchema } from "./own-schema.js";
import {
  arrowSchemaKey,
  type ParquetCompression,
  ParquetEncoder,
  parquetCompressions,
} from "./parquet/parquet-encoder.js";
import { RowGroup, type RowGroupLimits } from "./parquet/row-group.js";
import { schemaDifference } from "./schema-difference.js";
import { targetOf } from "./target-of.js";

export interface ParquetWriterOptions {
  /** Default: "zstd". */
  compression?: ParquetCompression;
  /**
   * Rows per row group, exactly; the last one has the rest. Default: as many as come to 64 MiB of Arrow data, and 1,048,576
   * at most.
   */
  rowGroupRows?: number;
  /**
   * The schema of a stream that may end without any batch. `sparkStream` needs none: it gives an empty result as one batch
   * of 0 rows.
   */
  schema?: Schema | Promise<Schema>;
  /** Key-value pairs for the file's footer, beside those of the schema. */
  metadata?: Readonly<Record<string, string>>;
  /** Destroys the writer with an AbortError. */
  signal?: AbortSignal;
}

/**
 * A Writable (object mode) that writes the record batches it is given as one Parquet file.
 *
 * A path is written beside itself and renamed when complete: it is the old file, or none, until "finish", and a failed or
 * destroyed writer leaves nothing. A Writable is ended at the end, or destroyed with the error before the footer.
 *
 * Columns keep their type, nullability, metadata and exact values for a reader that knows Arrow; one that doesn't sees
 * durations as 64-bit integers. Data that can't be kept so is refused.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED (before the first batch where
 *   the path can't be written), UNSUPPORTED_TYPE and SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is
 *   no RecordBatch, for values that don't fit their type, and for an end without any batch where no `schema` is given.
 */
export function parquetWriter(target: string | URL | Writable, options: ParquetWriterOptions = {}): Writable {
  checkOptions(options);
  const writer = new ParquetWriter(targetOf(target), options);
  if (options.signal) addAbortSignal(options.signal, writer);
  return writer;
}

const defaultLimits: RowGroupLimits = { rows: 1024 * 1024, bytes: 64 * 1024 * 1024 };

class ParquetWriter extends Writable {
  readonly #target: ByteTarget;
  readonly #options: ParquetWriterOptions;
  #encoder: ParquetEncoder | undefined;
  #group: RowGroup | undefined;

  constructor(target: ByteTarget, options: ParquetWriterOptions) {
    super({ objectMode: true, highWaterMark: 1 });
    this.#target = target;
    this.#options = options;
    // It may reject long before it is needed, or without being needed.
    Promise.resolve(options.schema).catch(() => {});
  }

  override _construct(callback: Callback): void {
    const opened = this.destroyed ? Promise.resolve() : this.#target.open((error) => this.destroy(error));
    settle(opened, callback);
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: Callback): void {
    settle(this.#take(chunk), callback);
  }

  override _final(callback: Callback): void {
    settle(this.#finish(), callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    settle(
      this.#target.abort(error).then(() => {
        if (error) throw error;
      }),
      callback,
    );
  }

  async #take(chunk: unknown): Promise<void> {
    const batch = recordBatch(chunk);
    // Not batch.schema.fields: where two columns have one name, apache-arrow gives the first the type of the second.
    const { children } = batch.data.type;
    this.#encoder ??= this.#newEncoder(children, batch.schema.metadata);
    const difference = schemaDifference(this.#encoder.fields, children);
    if (difference) throw new SparkStreamError("SCHEMA_MISMATCH", `The record batch ${difference}.`);
    this.#group ??= new RowGroup(children.length, this.#limits());
    for (let row = 0; row < batch.numRows; ) {
      row += this.#group.add(batch, row);
      if (this.#group.full) await this.#flush(this.#encoder, this.#group);
    }
  }

  async #finish(): Promise<void> {
    const encoder = this.#encoder ?? (await this.#emptyEncoder());
    if (this.#group && this.#group.rows > 0) await this.#flush(encoder, this.#group);
    await this.#target.write(encoder.finish());
    await this.#target.commit();
  }

  async #flush(encoder: ParquetEncoder, group: RowGroup): Promise<void> {
    const { rows, columns } = group.take();
    for (const bytes of encoder.rowGroup(rows, columns)) {
      await this.#target.write(bytes); // rejects once the writer is destroyed
      await setImmediate();
    }
  }

  #newEncoder(fields: readonly Field[], metadata: ReadonlyMap<string, string>): ParquetEncoder {
    const { compression = "zstd", metadata: more = {} } = this.#options;
    return new ParquetEncoder(ownSchema(fields, metadata), compression, more);
  }

  async #emptyEncoder(): Promise<ParquetEncoder> {
    const schema = await this.#options.schema;
    if (schema) return this.#newEncoder(schema.fields, schema.metadata);
    throw new SparkStreamError(
      "INVALID_INPUT",
      "The stream ended without a record batch, so the file's columns are not known. Give parquetWriter the schema, or send one batch of 0 rows.",
    );
  }

  #limits(): RowGroupLimits {
    const rows = this.#options.rowGroupRows;
    return rows === undefined ? defaultLimits : { rows, bytes: Number.POSITIVE_INFINITY };
  }
}

type Callback = (error?: Error | null) => void;

/** Calls back outside of the promise, where an exception of somebody's listener is not taken for a rejection. */
function settle(promise: Promise<void>, callback: Callback): void {
  promise.then(
    () => process.nextTick(callback),
    (error: Error) => process.nextTick(callback, error),
  );
}

/** Also of another copy of apache-arrow, from version 21 on: those know each other's objects. */
function recordBatch(chunk: unknown): RecordBatch {
  if (chunk instanceof RecordBatch) return chunk;
  const tag = Object.prototype.toString.call(chunk).slice(8, -1);
  const name = tag === "Object" ? ((chunk as object).constructor?.name ?? tag) : tag;
  const hint =
    name === "RecordBatch"
      ? "one of another version of apache-arrow: see with `npm ls apache-arrow` that only one is installed"
      : `${name}: put no other kind of stream in front of it`;
  throw new SparkStreamError("INVALID_INPUT", `parquetWriter takes record batches of apache-arrow, and got ${hint}.`);
}

const knownOptions = new Set(["compression", "rowGroupRows", "schema", "metadata", "signal"]);

function checkOptions(options: ParquetWriterOptions): void {
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name)) throw invalid(`${JSON.stringify(name)} is no option: ${[...knownOptions].join(", ")}`);
  }
  const { compression, rowGroupRows, metadata } = options;
  if (compression !== undefined && !parquetCompressions.includes(compression)) {
    throw invalid(`compression must be one of ${parquetCompressions.join(", ")}`);
  }
  if (rowGroupRows !== undefined && !(Number.isInteger(rowGroupRows) && rowGroupRows > 0 && rowGroupRows < 2 ** 31)) {
    throw invalid("rowGroupRows must be a whole number of rows, from 1 to 2,147,483,647");
  }
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (typeof value !== "string")
      throw invalid(`metadata must have strings, and that of ${JSON.stringify(key)} is not`);
    if (key === arrowSchemaKey) throw invalid(`metadata must not have ${arrowSchemaKey}: the file's schema goes there`);
  }
}

function invalid(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `parquetWriter: ${reason}.`);
}
