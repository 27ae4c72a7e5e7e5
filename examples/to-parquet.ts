// A query's result into a Parquet file, however large: memory holds the compressed pages of one row group.
//
// npx tsx examples/to-parquet.ts [file]      with SPARK_REMOTE, or a local Spark
import { pipeline } from "node:stream/promises";
import { connect, parquetWriter, sparkStream } from "spark-arrow-stream";

const [file = "trips.parquet"] = process.argv.slice(2);

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
const trips = spark.sql(
  "SELECT id, id % 7 AS day, round(id * 0.37, 2) AS fare FROM range(1000000) WHERE id % :every = 0",
  {
    every: 2,
  },
);

const stream = sparkStream(trips);
let rows = 0;
stream.on("data", (batch) => {
  rows += batch.numRows;
});
await pipeline(stream, parquetWriter(file));
console.log(`${rows} rows are in ${file}`);
