// The whole journey on one machine: a local Spark (installed on first use), a DataFrame of many types and partitions,
// through a stream pipeline into a Parquet file, and the file read back.
//
// npm run demo [-- rows]
import { mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { Presets, SingleBar } from "cli-progress";
import { connect, parquetWriter, sparkStream } from "spark-arrow-stream";

const total = Number(process.argv[2] ?? 3_000_000);
const file = resolve("out/demo.parquet");

await using spark = await connect("local");
console.log(`Spark ${await spark.version()} is up.`);

const trips = spark.sql(
  `SELECT id,
          CAST(id % 5000 AS INT)                                AS customer,
          CAST(hash(id) % 100000 / 100 AS DECIMAL(10, 2))       AS fare,
          sin(id)                                               AS drift,
          id % 3 = 0                                            AS shared,
          TIMESTAMP'2026-01-01 00:00:00' + make_dt_interval(0, 0, 0, id) AS started,
          DATE'2026-01-01' + CAST(id % 365 AS INT)              AS day,
          IF(id % 10 = 0, NULL, concat('trip ', id))            AS note,
          named_struct('lat', 48 + id % 100 / 1000D, 'lon', 16 + id % 70 / 1000D) AS start_point,
          array(id % 11, id % 13)                               AS zones
   FROM range(0, :rows, 1, 24)`,
  { rows: total },
);

const bar = new SingleBar(
  {
    format: "{bar} {percentage}% | {value}/{total} rows | {rate} MB/s",
    noTTYOutput: !process.stderr.isTTY,
    notTTYSchedule: 2000,
    hideCursor: true,
  },
  Presets.shades_classic,
);

let rows = 0;
let bytes = 0;
const begin = performance.now();
const rate = () => (bytes / 1e6 / ((performance.now() - begin) / 1000)).toFixed(1);
const progress = new Transform({
  objectMode: true,
  highWaterMark: 1,
  transform(batch: RecordBatch, _encoding, callback) {
    rows += batch.numRows;
    bytes += batch.data.byteLength;
    bar.update(rows, { rate: rate() });
    callback(null, batch);
  },
});

await mkdir(resolve("out"), { recursive: true });
bar.start(total, 0, { rate: "0.0" });
try {
  await pipeline(sparkStream(trips), progress, parquetWriter(file));
} finally {
  bar.stop();
}

const seconds = (performance.now() - begin) / 1000;
const { size } = await stat(file);
console.log(`
wrote        ${file}
rows         ${rows.toLocaleString("en")} in 24 partitions
Arrow data   ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s: ${rate()} MB/s
Parquet      ${(size / 1e6).toFixed(1)} MB, zstd
peak memory  ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB of this process
`);

console.log("The first rows of the file, as Spark reads them:");
const first = spark.read.parquet(file).orderBy("id").limit(3).select("to_json(struct(*)) AS row");
for await (const batch of sparkStream(first)) for (const { row } of batch) console.log(row);
