/**
 * A Writable whose rows go into a frame, which is written while they come. In, apache-arrow RecordBatch, all of one schema, or row
 * objects; out, what becomes of the frame. Memory: that of PulledWrite, and ROWS objects.
 */
import type { Writable } from "node:stream";
import type { Field, RecordBatch, Schema } from "apache-arrow";
import type { SparkSession } from "../connect/session/session.js";
import { SparkStreamError } from "../errors.js";
import { isBag } from "../runtime/check-options.js";
import type { Target } from "../sinks/files/byte-target.js";
import { TargetWriter } from "../sinks/files/target-writer.js";
import type { PulledWrite, PulledWriteOptions, WriteFrame } from "./pull/pulled-write.js";

/** Row objects that go to Spark together; their types are those that the first of them have, if no schema is given. */
const ROWS = 1_000;

/** What a writer has done so far. */
export interface WriterMetrics {
  readonly rows: number;
  /** As they went to Spark: large ones in parts. */
  readonly batches: number;
  /** Bytes of Arrow data. */
  readonly bytes: number;
}

/** @internal */
export interface RowWriterOptions extends PulledWriteOptions {
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
  #batches!: typeof import("./encoded-batches.js");
  #write: PulledWrite | undefined;
  /** Row objects that wait for others. */
  #rows: object[] = [];
  #rowCount = 0;

  constructor(name: string, session: SparkSession, write: WriteFrame, options: RowWriterOptions) {
    this.#name = name;
    this.#session = session;
    this.#writeFrame = write;
    this.#options = options;
  }

  get metrics(): WriterMetrics {
    return this.#write?.counts ?? { rows: 0, batches: 0, bytes: 0 };
  }

  get begun(): boolean {
    return this.#write?.begun ?? false;
  }

  async open(onFailure: (error: Error) => void): Promise<void> {
    const [{ PulledWrite }, batches] = await Promise.all([
      import("./pull/pulled-write.js"),
      import("./encoded-batches.js"),
    ]);
    this.#batches = batches;
    this.#write = new PulledWrite(this.#session, this.#options, this.#writeFrame, onFailure);
  }

  async add(chunk: unknown): Promise<void> {
    const { checkRecordBatch, columnsOf } = this.#batches;
    if (isRow(chunk)) {
      this.#rows.push(chunk);
      if (this.#rows.length >= ROWS) await this.#addRows();
      return;
    }
    const batch: RecordBatch = checkRecordBatch(chunk, this.#name);
    if (!this.begun) await this.begin(columnsOf(batch));
    await this.#addRows();
    await this.#write!.add(batch);
  }

  async #addRows(): Promise<void> {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    const { schema } = this.#options;
    if (!this.begun)
      await this.begin(schema?.fields ?? (await this.#batches.inferredFields(rows, this.#options.signal)));
    const first = this.#rowCount;
    this.#rowCount += rows.length;
    await this.#write!.addRows(rows, first);
  }

  async begin(fields: readonly Field[]): Promise<void> {
    await this.#write!.begin(fields);
  }

  async commit(): Promise<void> {
    await this.#addRows();
    if (!this.begun && this.#options.schema) await this.begin(this.#options.schema.fields);
    if (!this.begun) {
      const message = `The stream ended without a record batch, so its columns are unknown. Pass the option schema to ${this.#name}, or send one batch of 0 rows.`;
      throw new SparkStreamError("INVALID_INPUT", message);
    }
    await this.#write!.finish();
  }

  async abort(): Promise<void> {
    await this.#write?.stop();
  }
}

/** A record batch, of whichever copy of apache-arrow, is not one: it has its schema and the number of its rows. */
function isRow(chunk: unknown): chunk is object {
  return isBag(chunk) && !("schema" in chunk && "numRows" in chunk);
}
