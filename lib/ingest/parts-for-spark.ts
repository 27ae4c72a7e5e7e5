/**
 * What a writer is given, in Spark's types, and in parts of about 2 MiB at most. In, apache-arrow RecordBatch of one schema, or row
 * objects. Memory: one part.
 */
import type { Field, RecordBatch, Schema } from "apache-arrow";
import { checkColumns, checkRecordBatch, columnsOf } from "../arrow/batch-check.js";
import { ArrowRows } from "../connect/local-data/arrow-rows.js";
import type { LocalPart } from "../connect/local-data/local-rows.js";
import { inferredFields, ObjectRows } from "../connect/local-data/object-rows.js";
import { sparkSchema } from "../connect/local-data/spark-schema.js";

export class PartsForSpark {
  readonly schema: Schema;
  readonly #fields: readonly Field[];

  /** @throws SparkStreamError UNSUPPORTED_TYPE naming the column */
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
    this.schema = sparkSchema(fields);
  }

  /** @throws SparkStreamError INVALID_INPUT, SCHEMA_MISMATCH */
  ofBatch(batch: RecordBatch, signal: AbortSignal | undefined): AsyncIterable<LocalPart> {
    checkColumns(this.#fields, columnsOf(batch));
    return new ArrowRows([batch], this.#fields).parts(signal);
  }

  /**
   * @param rows objects by the names of the columns
   * @param first the number of the first row, for messages
   * @throws SparkStreamError INVALID_INPUT
   */
  ofRows(rows: readonly object[], first: number, signal: AbortSignal | undefined): AsyncIterable<LocalPart> {
    return new ObjectRows(rows, this.schema, true, first).parts(signal);
  }
}

export { checkRecordBatch, columnsOf, inferredFields };
