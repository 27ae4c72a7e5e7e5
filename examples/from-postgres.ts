// A query's result of Postgres into a table of Spark: all of it, or, when anything fails, none.
//
// npx tsx examples/from-postgres.ts [table]      with SPARK_REMOTE, or a local Spark, and DATABASE_URL; needs pg and pg-query-stream
import { pipeline } from "node:stream/promises";
import { Bool, Decimal, Field, Int64, Schema, TimestampMicrosecond, Utf8 } from "apache-arrow";
import pg from "pg";
import QueryStream from "pg-query-stream";
import { connect, sparkWriter } from "spark-arrow-stream";

const [table = "orders"] = process.argv.slice(2);

/** All of their digits: decimals are text anyway, whole numbers of 64 bits would be, and instants would be a Date, in milliseconds. */
const { INT8, TIMESTAMPTZ } = pg.types.builtins;
const parsers: Record<number, (text: string) => unknown> = { [INT8]: BigInt, [TIMESTAMPTZ]: String };
const types = { getTypeParser: (type: number) => parsers[type] ?? pg.types.getTypeParser(type) };

await using spark = await connect(process.env.SPARK_REMOTE ?? "local");
const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
await database.connect();
try {
  // A cursor: 1,000 rows at a time, and no more while Spark is busy.
  const orders = database.query(
    new QueryStream("SELECT id, item, paid, price, at FROM orders", [], { batchSize: 1000, types } as never),
  );
  const schema = new Schema([
    new Field("id", new Int64(), false),
    new Field("item", new Utf8(), true),
    new Field("paid", new Bool(), true),
    new Field("price", new Decimal(2, 10), true),
    new Field("at", new TimestampMicrosecond("UTC"), true),
  ]);
  const writer = sparkWriter(spark, { table }, { mode: "overwrite", schema });
  await pipeline(orders, writer);
  console.log(`${writer.metrics.rows} rows are in ${table}`);
} finally {
  await database.end();
}
