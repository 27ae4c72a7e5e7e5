// Rows { arrow_ipc_bytes } from anywhere: each is one Arrow IPC stream with any number of batches. This is the shape that
// PySpark's DataFrame.__arrow_c_stream__ fetches, and what another client, a file or a queue may hand out.
//
// npx tsx examples/own-rows.ts
import { RecordBatchStreamWriter, tableFromArrays } from "apache-arrow";
import { sparkStream } from "spark-arrow-stream";

async function* rows() {
  for (let part = 0; part < 3; part++) {
    const table = tableFromArrays({ part: Int32Array.of(part, part), value: Float64Array.of(part / 2, part / 4) });
    yield { arrow_ipc_bytes: RecordBatchStreamWriter.writeAll(table).toUint8Array(true) };
  }
}

const stream = sparkStream(rows());
console.log(`schema: ${(await stream.schema).fields.map((field) => `${field.name} ${field.type}`).join(", ")}`);
for await (const batch of stream) console.log(batch.toArray().map((row) => row.toJSON()));
