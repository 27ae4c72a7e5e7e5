// Record batches one by one, with columns as typed arrays: the fastest way to look at numbers.
//
// npx tsx examples/for-await.ts      with SPARK_REMOTE, or a local Spark
import { connect, sparkStream } from "spark-arrow-stream";

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
const readings = spark.sql("SELECT id, sin(id) AS value FROM range(500000)");

let rows = 0;
let sum = 0;
for await (const batch of sparkStream(readings)) {
  const values = batch.getChild("value")?.toArray() as Float64Array;
  for (const value of values) sum += value;
  rows += batch.numRows;
}
console.log(`${rows} readings, mean ${(sum / rows).toFixed(6)}`);
