import { type Data, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";

/**
 * A record batch with this very schema and data, whose columns must be of one length. Not by apache-arrow's constructor,
 * which derives a new schema for each batch: it gives columns of one name, which Spark allows, one type, and takes more
 * time than all else there is to decoding a batch of many columns.
 */
export function recordBatch(schema: Schema, data: Data<Struct>): RecordBatch {
  const batch = Object.create(RecordBatch.prototype);
  batch.schema = schema;
  batch.data = data;
  batch._metadata = new Map();
  return batch;
}

/** A record batch of 0 rows. */
export function emptyRecordBatch(schema: Schema): RecordBatch {
  const children = schema.fields.map(({ type }) => makeData({ type, length: 0, nullCount: 0 }));
  return recordBatch(schema, makeData({ type: new Struct(schema.fields), length: 0, nullCount: 0, children }));
}
