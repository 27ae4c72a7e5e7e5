// A Parquet file of parquetWriter, read by Spark.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import { type ParquetWriterOptions, parquetWriter, rows, type SparkSession, sparkStream } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";

/** A column of each type that Spark has in Parquet, and of several rows' lengths. */
const columns = [
  "id",
  "id % 2 = 0 AS bool",
  "CAST(id % 100 AS TINYINT) AS tiny",
  "CAST(id AS SMALLINT) AS small",
  "CAST(id % 1000 AS INT) AS few",
  "CAST(id AS FLOAT) / 3 AS float",
  "CASE id % 5 WHEN 0 THEN DOUBLE('NaN') WHEN 1 THEN -0.0D ELSE id / 7 END AS double",
  "CAST(id - 5000 AS DECIMAL(9, 2)) AS decimal_9",
  "CAST(id - 5000 AS DECIMAL(18, 3)) * 1000 AS decimal_18",
  "CAST(id - 5000 AS DECIMAL(38, 5)) AS decimal_38",
  "concat('é', id % 50) AS text",
  "repeat(md5(CAST(id AS STRING)), CAST(id % 20 AS INT)) AS long_text",
  "unhex(hex(id)) AS bytes",
  "date_add(DATE'1970-01-01', CAST(id - 5000 AS INT)) AS day",
  "timestamp_micros(id * 1234567891 - 1000000000) AS instant",
  "CAST(timestamp_micros(id * 1234567891) AS TIMESTAMP_NTZ) AS local",
  "transform(sequence(1, id % 4), x -> IF(x = 2, NULL, x * id)) AS list",
  "transform(sequence(0, id % 3), x -> transform(sequence(0, x), y -> CAST(y AS STRING))) AS lists",
  "named_struct('a', IF(id % 3 = 0, NULL, id), 'b', named_struct('c', CAST(id AS STRING))) AS struct",
  "map(id, CAST(id AS STRING), id + 1, NULL) AS map",
  "transform(sequence(0, id % 3), x -> map(CAST(x AS STRING), named_struct('d', IF(x = 1, NULL, id)))) AS maps",
];
const nullable = columns.map((column) => {
  const [expression, name = column] = column.split(/ AS (?=\w+$)/);
  return `IF((id + ${column.length}) % 9 = 0, NULL, ${expression}) AS maybe_${name}`;
});
const query = `SELECT ${[...columns, ...nullable].join(", ")} FROM range(0, 4000, 1, 3)`;

describe("A Parquet file, for Spark", function () {
  this.timeout(240_000);
  let spark: SparkSession;
  let directory: string;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession();
    directory = await mkdtemp(join(tmpdir(), "parquet-spark-"));
  });
  after(async () => {
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const collect = async (sql: string) => (await sparkStream(spark.sql(sql)).compose(rows()).toArray()) as unknown[];

  const choices: readonly ParquetWriterOptions[] = [
    {},
    { compression: "snappy", rowGroupRows: 1234, dictionary: false },
    { compression: "lz4_raw", rowGroupRows: 7000 },
    { compression: "gzip" },
    { compression: "uncompressed" },
  ];
  for (const [index, options] of choices.entries()) {
    it(`has the types and the values that went in, with ${JSON.stringify(options)}`, async () => {
      await spark.sql(`CREATE OR REPLACE TEMPORARY VIEW source AS ${query}`).execute();
      const file = join(directory, `${index}.parquet`);
      await pipeline(sparkStream(spark.sql("SELECT * FROM source")), parquetWriter(file, options));
      const [read, source] = [spark.read.parquet(file), spark.sql("SELECT * FROM source")];
      const types = async (frame: typeof read) =>
        (await frame.schema()).fields.map(({ name, type }) => `${name} ${type}`);
      expect(await types(read)).to.deep.equal(await types(source));
      const asText = "to_json(struct(*), map('ignoreNullFields', 'false')) AS row";
      const differences = await collect(
        `(SELECT ${asText} FROM parquet.\`${file}\` EXCEPT ALL SELECT ${asText} FROM source)
         UNION ALL (SELECT ${asText} FROM source EXCEPT ALL SELECT ${asText} FROM parquet.\`${file}\`)`,
      );
      expect(differences).to.deep.equal([]);
      expect(await collect(`SELECT count(*) AS rows FROM parquet.\`${file}\``)).to.deep.equal([{ rows: 4000n }]);
    });
  }

  it("gives the rows that a filter is after, which its statistics must not hide", async () => {
    const file = join(directory, "filter.parquet");
    const frame = spark.sql(
      `SELECT id, IF(id = 5000, DOUBLE('NaN'), CAST(id AS DOUBLE)) AS x, IF(id = 77, 0.0D, 1.0D) AS zero,
       lpad(id, 6, '0') AS text, CAST(id - 5000 AS DECIMAL(20, 0)) AS amount FROM range(10000)`,
    );
    await pipeline(sparkStream(frame), parquetWriter(file, { rowGroupRows: 100 }));
    const filters: readonly [condition: string, ids: bigint[]][] = [
      ["x > 9998", [5000n, 9999n]], // NaN is the largest of all
      ["x = DOUBLE('NaN')", [5000n]],
      ["zero < 0.5", [77n]],
      ["text = '001234'", [1234n]],
      ["amount BETWEEN -3 AND -2", [4997n, 4998n]],
      ["amount > 4998", [9999n]],
    ];
    for (const [condition, ids] of filters) {
      const found = await collect(`SELECT id FROM parquet.\`${file}\` WHERE ${condition} ORDER BY id`);
      expect(found, condition).to.deep.equal(ids.map((id) => ({ id })));
    }
  });
});
