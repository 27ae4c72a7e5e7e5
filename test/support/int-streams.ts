// Arrow IPC streams of one column of integers that count up, in batches of ROWS rows.
import { Field, Int32, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from "apache-arrow";

export const ROWS = 500;
const schema = new Schema([new Field("id", new Int32(), false)]);

function batchOf(first: number): RecordBatch {
  const data = makeData({ type: new Int32(), data: Int32Array.from({ length: ROWS }, (_, row) => first + row) });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: ROWS, children: [data] }));
}

/** A stream of so many batches, of 2 KB each. */
export function streamOf(batches: number, first = 0): Uint8Array {
  const writer = new RecordBatchStreamWriter().reset(undefined, schema);
  for (let batch = 0; batch < batches; batch++) writer.write(batchOf(first + batch * ROWS));
  return writer.finish().toUint8Array(true);
}
