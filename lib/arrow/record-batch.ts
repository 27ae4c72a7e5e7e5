import { type Data, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";

/**
 * Makes a record batch of this schema and data without apache-arrow's constructor. The columns must have the same
 * length. The constructor derives a new schema for each batch: columns that share a name, which Spark allows, get the
 * same type. It also takes longer than all other work of decoding a batch with many columns.
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

/** Cuts the batch into slices of at most `maxRows` rows, which are views of it. */
export function slicesOf(batch: RecordBatch, maxRows: number): RecordBatch[] {
  const slices: RecordBatch[] = [];
  for (let start = 0; start < batch.numRows; start += maxRows) {
    const rows = Math.min(maxRows, batch.numRows - start);
    slices.push(makeRecordBatch(batch.schema, batch.data.slice(start, rows)));
  }
  return slices;
}

/** Rows of a batch, without copying them; apache-arrow's own `slice` has the constructor's faults. */
export function slicedRecordBatch(batch: RecordBatch, start: number, end: number): RecordBatch {
  return makeRecordBatch(batch.schema, batch.data.slice(start, end - start));
}
