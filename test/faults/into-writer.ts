/** A process that writes a stream without an end, and says when rows have gone. It is there to be killed. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { tableFromArrays } from "apache-arrow";
import { connect, type SparkWriterOptions, sparkWriter } from "../../lib/index.js";

const [path, delivery] = process.argv.slice(2) as [string, NonNullable<SparkWriterOptions["delivery"]>];
const spark = await connect();
const writer = sparkWriter(spark, { path, format: "parquet" }, { delivery, readAheadBytes: 1_000_000 });
async function* source() {
  for (let batch = 0; ; batch++) {
    yield* tableFromArrays({ id: Int32Array.from({ length: 10_000 }, (_, row) => batch * 10_000 + row) }).batches;
    if (batch === 100) console.log("rows have gone");
  }
}
await pipeline(Readable.from(source()), writer);
