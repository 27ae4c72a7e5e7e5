/**
 * Record batches as tasks take them: in Spark's types, each an Arrow IPC stream. In, apache-arrow RecordBatch of one schema; out,
 * bytes, of about 2 MiB at most. Memory: one part.
 */
import { Data, type Field, type RecordBatch, type Schema, Struct } from "apache-arrow";
import { checkColumns, checkRecordBatch, columnsOf } from "../arrow/batch-check.js";
import { ArrowEncoder } from "../arrow/encode/arrow-encoder.js";
import { makeRecordBatch } from "../arrow/record-batch.js";
import { ArrowRows } from "../connect/local-data/arrow-rows.js";
import type { LocalRows } from "../connect/local-data/local-rows.js";
import { inferredFields, ObjectRows } from "../connect/local-data/object-rows.js";
import { sparkSchema } from "../connect/local-data/spark-schema.js";
import type { EncodedBatch } from "./pull/feed.js";

export class BatchesForSpark {
  readonly schema: Schema;
  readonly #fields: readonly Field[];
  readonly #struct: Struct;

  /** @throws SparkStreamError UNSUPPORTED_TYPE naming the column */
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
    this.schema = sparkSchema(fields);
    this.#struct = new Struct(this.schema.fields);
  }

  /** @throws SparkStreamError INVALID_INPUT, SCHEMA_MISMATCH */
  async *encoded(batch: RecordBatch, signal: AbortSignal): AsyncGenerator<EncodedBatch> {
    checkColumns(this.#fields, columnsOf(batch));
    yield* this.#parts(new ArrowRows([batch], this.#fields), signal);
  }

  /**
   * @param rows objects by the names of the columns
   * @param first the number of the first row, for messages
   * @throws SparkStreamError INVALID_INPUT
   */
  async *encodedRows(rows: readonly object[], first: number, signal: AbortSignal): AsyncGenerator<EncodedBatch> {
    yield* this.#parts(new ObjectRows(rows, this.schema, true, first), signal);
  }

  async *#parts(rows: LocalRows, signal: AbortSignal): AsyncGenerator<EncodedBatch> {
    for await (const { length, columns } of rows.parts(signal)) {
      const part = makeRecordBatch(this.schema, new Data(this.#struct, 0, length, 0, undefined, [...columns]));
      const encoder = new ArrowEncoder(this.schema, "stream");
      const pieces = [...encoder.batch(part), ...encoder.finish()];
      yield { bytes: Buffer.concat(pieces), rows: length };
    }
  }
}

export { checkRecordBatch, columnsOf, inferredFields };
