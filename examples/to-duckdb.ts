// A query's result into a DuckDB table: all of it, or, when anything fails, none.
//
// npx tsx examples/to-duckdb.ts [database]      with SPARK_REMOTE, or a local Spark; needs @duckdb/node-api
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { connect, rows, sparkStream } from "spark-arrow-stream";

const [file = "trips.duckdb"] = process.argv.slice(2);

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
const trips = spark.sql(
  "SELECT id, concat('trip ', id) AS name, IF(id % 3 = 0, NULL, id * 0.25D) AS fare FROM range(0, 200000, 1, 4)",
);

const database = await DuckDBInstance.create(file);
const connection = await database.connect();
await connection.run("CREATE OR REPLACE TABLE trips (id BIGINT, name VARCHAR, fare DOUBLE)");
await connection.run("BEGIN");
const appender = await connection.createAppender("trips");

const table = new Writable({
  objectMode: true,
  write({ id, name, fare }: { id: bigint; name: string; fare: number | null }, _encoding, callback) {
    appender.appendBigInt(id);
    appender.appendVarchar(name);
    if (fare === null) appender.appendNull();
    else appender.appendDouble(fare);
    appender.endRow();
    callback();
  },
});

try {
  await pipeline(sparkStream(trips), rows(), table);
  appender.closeSync();
  await connection.run("COMMIT");
} catch (error) {
  await connection.run("ROLLBACK");
  throw error;
}

const result = await connection.runAndReadAll("SELECT count(*), count(fare), sum(id)::BIGINT FROM trips");
console.log(`rows, fares, sum of ids: ${result.getRows()[0]?.join(", ")}`);
connection.closeSync();
database.closeSync();
