/**
 * sparkWriter(): record batches, or row objects, into a table, or files that Spark writes. In, apache-arrow RecordBatch, all of one
 * schema, or objects; out, rows in Spark, committed when the Writable finishes. Memory: `readAheadBytes` of Arrow data, and what ingest/ says.
 */
import type { Writable } from "node:stream";
import type { Field, RecordBatch } from "apache-arrow";
import type { SparkSession } from "./connect/session/session.js";
import { SparkStreamError } from "./errors.js";
import type { PulledWrite, WriteFrame } from "./ingest/pull/pulled-write.js";
import { isBag } from "./runtime/check-options.js";
import type { Target } from "./sinks/files/byte-target.js";
import { TargetWriter } from "./sinks/files/target-writer.js";
import { checkWrite, type SparkWriterOptions, type WriteTarget } from "./write-options.js";

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

/** The Writable that {@link sparkWriter} returns: in objectMode, of apache-arrow RecordBatch, or of row objects. */
export interface SparkWriter extends Writable {
  readonly metrics: WriterMetrics;
}

/**
 * A Writable (object mode) whose record batches Spark writes into a table, or as files: `pipeline(source, sparkWriter(spark,
 * { table: "lake.trips" }, { mode: "append" }))`.
 *
 * Row objects are taken, too: their columns are those of the option `schema`, or of the first 1,000 rows.
 *
 * "finish" comes when Spark has committed. A writer that is destroyed, or fails, interrupts the query, and nothing is visible, as far
 * as the format's own commit goes: see docs/into-spark.md.
 *
 * @throws SparkStreamError INVALID_ARGUMENT or SESSION_CLOSED, at the call. Errors of the stream: QUERY_FAILED; UNREACHABLE and
 *   UNSUPPORTED if executors cannot fetch; INPUT_LOST if a task fails after it took rows; UNSUPPORTED_TYPE, SCHEMA_MISMATCH and
 *   INVALID_INPUT for what Spark cannot take.
 */
export function sparkWriter(spark: SparkSession, target: WriteTarget, options: SparkWriterOptions = {}): SparkWriter {
  checkWrite(spark, target, options);
  spark.checkOpen();
  return new Writer(new SparkTarget(spark, target, options), options);
}

class Writer extends TargetWriter<SparkTarget> {
  constructor(target: SparkTarget, options: SparkWriterOptions) {
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
  readonly #session: SparkSession;
  readonly #target: WriteTarget;
  readonly #options: SparkWriterOptions;
  #batches!: typeof import("./ingest/encoded-batches.js");
  #write: PulledWrite | undefined;
  /** Row objects that wait for others. */
  #rows: object[] = [];
  #rowCount = 0;

  constructor(session: SparkSession, target: WriteTarget, options: SparkWriterOptions) {
    this.#session = session;
    this.#target = target;
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
      import("./ingest/pull/pulled-write.js"),
      import("./ingest/encoded-batches.js"),
    ]);
    this.#batches = batches;
    this.#write = new PulledWrite(this.#session, this.#options, writeOf(this.#target, this.#options), onFailure);
  }

  async add(chunk: unknown): Promise<void> {
    const { checkRecordBatch, columnsOf } = this.#batches;
    if (isRow(chunk)) {
      this.#rows.push(chunk);
      if (this.#rows.length >= ROWS) await this.#addRows();
      return;
    }
    const batch: RecordBatch = checkRecordBatch(chunk, "sparkWriter()");
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
      const message =
        "The stream ended without a record batch, so its columns are unknown. Pass the option schema to sparkWriter(), or send one batch of 0 rows.";
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

function writeOf({ table, path, format }: WriteTarget, { mode, partitionBy, options }: SparkWriterOptions): WriteFrame {
  return async (frame, run) => {
    let writer = frame.write;
    if (format !== undefined) writer = writer.format(format);
    if (mode !== undefined) writer = writer.mode(mode);
    if (partitionBy) writer = writer.partitionBy(...partitionBy);
    if (options) writer = writer.options(options);
    if (table !== undefined) await writer.saveAsTable(table, run);
    else await writer.save(path, run);
  };
}
