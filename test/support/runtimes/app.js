// A program of a user, for other runtimes and for bundlers: node app.js sc://… reads a table in the ways that there are.
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { connect, csvWriter, parquetWriter, sparkStream } from "spark-arrow-stream";

const [, , url, ...deliveries] = process.argv;
const spark = await connect(url);
const frame = spark.range(0, 20_000, 1, 4);
const found = { collect: (await frame.collect()).length };
await pipeline(sparkStream(frame), csvWriter("out.csv"));
found.csv = (await readFile("out.csv", "utf8")).split("\n").length - 2;
// gzip, since no package has to be there for it.
await pipeline(sparkStream(frame), parquetWriter("out.parquet", { compression: "gzip" }));
found.parquet = (await readFile("out.parquet")).subarray(-4).toString();
for (const delivery of deliveries) {
  let rows = 0;
  for await (const batch of sparkStream(frame, { delivery })) rows += batch.numRows;
  found[delivery] = rows;
}
for await (const _ of sparkStream(spark.range(0, 1_000_000, 1, 100))) break;
found.failure = await spark
  .sql("SELECT nope")
  .collect()
  .catch(({ name, code, errorClass }) => `${name} ${code} ${errorClass}`);
await spark.close();
console.log(JSON.stringify(found));
