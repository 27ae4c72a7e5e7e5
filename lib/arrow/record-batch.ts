import { type Data, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";

/**
 * Makes a record batch of this schema and data, whose columns must have one length, past apache-arrow's constructor. That
 * derives a new schema for each batch: columns of one name, which Spark allows, get one type, and it takes longer than
 * everything else there is to decoding a batch of many columns.
 *
 * The three properties are all that a RecordBatch of apache-arrow 21.2 has; test/unit/arrow-hazards.test.ts fails if a
 * version has others.
 */
export function makeRecordBatch(schema: Schema, data: Data<Struct>): RecordBatch {
  const batch = Object.create(RecordBatch.prototype);
  batch.schema = schema;
  batch.data = data;
  batch._metadata = new Map();
  return batch;
}

/** A record batch of 0 rows. */
export function emptyRecordBatch(schema: Schema): RecordBatch {
  const children = schema.fields.map(({ type }) => makeData({ type, length: 0, nullCount: 0 }));
  return makeRecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 0, nullCount: 0, children }));
}

/** The batch in pieces of at most `maxRows` rows, which are views of it. */
export function slicesOf(batch: RecordBatch, maxRows: number): RecordBatch[] {
  const slices: RecordBatch[] = [];
  for (let start = 0; start < batch.numRows; start += maxRows) {
    const rows = Math.min(maxRows, batch.numRows - start);
    slices.push(makeRecordBatch(batch.schema, batch.data.slice(start, rows)));
  }
  return slices;
}
