import { Data, type Schema, Struct } from "apache-arrow";
import { ArrowEncoder } from "../../arrow/encode/arrow-encoder.js";
import { makeRecordBatch } from "../../arrow/record-batch.js";
import type { LocalPart } from "../../connect/local-data/local-rows.js";
import type { EncodedBatch } from "./feed.js";

/** A part as a task takes it. */
export function encodedPart({ length, columns }: LocalPart, schema: Schema): EncodedBatch {
  const data = new Data(new Struct(schema.fields), 0, length, 0, undefined, [...columns]);
  const encoder = new ArrowEncoder(schema, "stream");
  const pieces = [...encoder.batch(makeRecordBatch(schema, data)), ...encoder.finish()];
  return { bytes: Buffer.concat(pieces), rows: length };
}
