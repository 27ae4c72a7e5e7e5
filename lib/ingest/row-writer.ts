/**
 * A Writable whose rows go into a frame, which is written. In, apache-arrow RecordBatch, all of one schema, or row objects; out, what
 * becomes of the frame. Memory: that of the way they go, and ROWS objects.
 */
import type { Writable } from "node:stream";
import type { Field, RecordBatch, Schema } from "apache-arrow";
import type { LocalPart } from "../connect/local-data/local-rows.js";
import type { SparkSession } from "../connect/session/session.js";
import { SparkStreamError } from "../errors.js";
import { isBag } from "../runtime/check-options.js";
import type { Target } from "../sinks/files/byte-target.js";
import { TargetWriter } from "../sinks/files/target-writer.js";
import type { Ingest, WriteFrame, WriterMetrics } from "./ingest.js";
import type { PartsForSpark } from "./parts-for-spark.js";
import type { PulledWriteOptions } from "./pull/pulled-write.js";
import type { UploadedWriteOptions } from "./upload/uploaded-write.js";

/** Row objects that go to Spark together; their types are those that the first of them have, if no schema is given. */
const ROWS = 1_000;

/** @internal */
export interface RowWriterOptions extends PulledWriteOptions, UploadedWriteOptions {
  /** Default: "upload". */
  readonly delivery?: "upload" | "pull" | undefined;
  readonly schema?: Schema | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @internal @param name that of the caller, for errors */
export function rowWriter(
  name: string,
  session: SparkSession,
  write: WriteFrame,
  options: RowWriterOptions,
): Writable & { readonly metrics: WriterMetrics } {
  return new RowWriter(new SparkTarget(name, session, write, options), options);
}

class RowWriter extends TargetWriter<SparkTarget> {
  constructor(target: SparkTarget, options: RowWriterOptions) {
    super(target, { objectMode: true, highWaterMark: 16 }, options.signal);
  }

  get metrics(): WriterMetrics {
    return this.target.metrics;
  }

  protected override async take(chunk: unknown): Promise<void> {
    await this.target.add(chunk);
  }
}

class SparkTarget implements Target {
  readonly #name: string;
  readonly #session: SparkSession;
  readonly #writeFrame: WriteFrame;
  readonly #options: RowWriterOptions;
  #loaded!: typeof import("./parts-for-spark.js");
  #ingest: Ingest | undefined;
  #parts: PartsForSpark | undefined;
  /** Row objects that wait for others. */
  #rows: object[] = [];
  #rowCount = 0;
  readonly #stopped = new AbortController();

  constructor(name: string, session: SparkSession, write: WriteFrame, options: RowWriterOptions) {
    this.#name = name;
    this.#session = session;
    this.#writeFrame = write;
    this.#options = options;
  }

  get metrics(): WriterMetrics {
    return this.#ingest?.metrics ?? { rows: 0, batches: 0, bytes: 0 };
  }

  async open(onFailure: (error: Error) => void): Promise<void> {
    const [ingest, loaded] = await Promise.all([this.#opened(onFailure), import("./parts-for-spark.js")]);
    this.#ingest = ingest;
    this.#loaded = loaded;
  }

  async #opened(onFailure: (error: Error) => void): Promise<Ingest> {
    const options = this.#options;
    if (options.delivery === "pull") {
      const { PulledWrite } = await import("./pull/pulled-write.js");
      return new PulledWrite(this.#session, options, this.#writeFrame, onFailure);
    }
    const { UploadedWrite } = await import("./upload/uploaded-write.js");
    return new UploadedWrite(this.#name, this.#session, options, this.#writeFrame, onFailure);
  }

  async add(chunk: unknown): Promise<void> {
    const { checkRecordBatch, columnsOf } = this.#loaded;
    if (isRow(chunk)) {
      this.#rows.push(chunk);
      if (this.#rows.length >= ROWS) await this.#addRows();
      return;
    }
    const batch: RecordBatch = checkRecordBatch(chunk, this.#name);
    const parts = this.#parts ?? (await this.#begun(columnsOf(batch)));
    await this.#addRows();
    await this.#give(parts.ofBatch(batch, this.#stopped.signal));
  }

  async #addRows(): Promise<void> {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    const { signal } = this.#stopped;
    const fields = async () => this.#options.schema?.fields ?? (await this.#loaded.inferredFields(rows, signal));
    const parts = this.#parts ?? (await this.#begun(await fields()));
    const first = this.#rowCount;
    this.#rowCount += rows.length;
    await this.#give(parts.ofRows(rows, first, signal));
  }

  async #give(parts: AsyncIterable<LocalPart>): Promise<void> {
    for await (const part of parts) await this.#ingest!.add(part);
  }

  async #begun(fields: readonly Field[]): Promise<PartsForSpark> {
    this.#parts = new this.#loaded.PartsForSpark(fields);
    await this.#ingest!.begin(this.#parts.schema);
    return this.#parts;
  }

  async commit(): Promise<void> {
    await this.#addRows();
    if (!this.#parts && this.#options.schema) await this.#begun(this.#options.schema.fields);
    if (!this.#parts) {
      const message = `The stream ended without a record batch, so its columns are unknown. Pass the option schema to ${this.#name}, or send one batch of 0 rows.`;
      throw new SparkStreamError("INVALID_INPUT", message);
    }
    await this.#ingest!.finish();
  }

  async abort(error: Error | null): Promise<void> {
    this.#stopped.abort();
    await this.#ingest?.stop(error);
  }
}

/** A record batch, of whichever copy of apache-arrow, is not one: it has its schema and the number of its rows. */
function isRow(chunk: unknown): chunk is object {
  return isBag(chunk) && !("schema" in chunk && "numRows" in chunk);
}
