import { type Field, RecordBatch } from "apache-arrow";
import { SparkStreamError } from "../errors.js";
import { schemaDifference } from "./schema-difference.js";

/**
 * Returns a chunk that was written to a sink if it is a record batch. A batch made by another copy of apache-arrow is
 * accepted from version 21 on: those versions recognize each other's objects.
 *
 * @throws SparkStreamError INVALID_INPUT
 */
export function checkRecordBatch(chunk: unknown, sink: string): RecordBatch {
  if (chunk instanceof RecordBatch) return chunk;
  const tag = Object.prototype.toString.call(chunk).slice(8, -1);
  const name = tag === "Object" ? ((chunk as object).constructor?.name ?? tag) : tag;
  const hint =
    name === "RecordBatch"
      ? "one of another version of apache-arrow: check with `npm ls apache-arrow` that only one is installed"
      : `${name}: let a stream of record batches flow into it`;
  throw new SparkStreamError("INVALID_INPUT", `${sink} takes record batches of apache-arrow, but received ${hint}.`);
}

/**
 * The columns of a batch. Not schema.fields: if two share a name, apache-arrow gives the first the type of the second.
 */
export function columnsOf(batch: RecordBatch): Field[] {
  return batch.data.type.children;
}

/** @throws SparkStreamError SCHEMA_MISMATCH naming the first column that differs */
export function checkColumns(expected: readonly Field[], actual: readonly Field[]): void {
  const difference = schemaDifference(expected, actual);
  if (difference) throw new SparkStreamError("SCHEMA_MISMATCH", `The record batch ${difference}.`);
}
