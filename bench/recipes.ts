import type { Frame } from "./metrics.js";

/** The results that are recorded of a real Spark. A new one is an entry of {@link recipes}; a changed one is recorded anew. */
export interface Recipe {
  /** For people. */
  readonly title: string;
  readonly query: string;
  /** Settings of Spark while it runs. */
  readonly conf?: Readonly<Record<string, string>>;
  /** Bytes at which Spark cuts a batch into chunks. */
  readonly chunkBytes?: number;
  /** The codec that pyarrow compresses the bodies of the batches with, after they were recorded. */
  readonly recompress?: "lz4";
}

/** Rows of 52 bytes: bigint, int, double, decimal, timestamp and a short string; in ten partitions. */
export function trips(rows: number): string {
  return `
  SELECT id, CAST(id % 265 AS INT) AS zone, id * 0.25D AS distance, CAST(id % 100000 AS DECIMAL(18, 2)) AS fare,
         timestamp_seconds(1700000000 + id) AS pickup, concat('z', id % 1000) AS vendor
  FROM range(0, ${rows}, 1, 10)`;
}

/** What {@link trips} gives, with the bytes of Arrow data that Spark sends for it in batches of 10,000 rows. */
export function tripsFrame(rows: number): Frame {
  return { rows, arrowBytes: rows * 52.7 };
}

const allTrips = trips(5_000_000);

/** 80,000 rows of 200 columns of five types; in a column every seventh value is null. */
const wide = `SELECT ${Array.from({ length: 200 }, wideColumn).join(", ")} FROM range(0, 80000, 1, 8)`;

function wideColumn(_: unknown, column: number): string {
  const number = `(id + ${column})`;
  const values = [
    number,
    `CAST(${number} AS INT)`,
    `${number} * 0.5D`,
    `concat('v', ${number})`,
    `date_add(DATE'2000-01-01', CAST(${number} % 10000 AS INT))`,
  ];
  return `if(${number} % 7 = 0, NULL, ${values[column % values.length]}) AS c${column}`;
}

const recordsPerBatch = (rows: number) => ({ "spark.sql.execution.arrow.maxRecordsPerBatch": String(rows) });
const codec = (name: string) => ({ "spark.sql.execution.arrow.compression.codec": name });

export const recipes = {
  "batches-10000": { title: "10,000-row batches", query: allTrips, conf: recordsPerBatch(10_000) },
  "batches-1000": { title: "1,000-row batches", query: allTrips, conf: recordsPerBatch(1_000) },
  wide: { title: "200 columns, 1,000-row batches", query: wide, conf: recordsPerBatch(1_000) },
  strings: {
    title: "strings",
    query: `
      SELECT sha1(CAST(id AS STRING)) AS hash, repeat(concat('word ', id % 97, ' '), CAST(id % 17 AS INT)) AS text,
             if(id % 5 = 0, NULL, concat('näher ', id)) AS note
      FROM range(0, 1000000, 1, 10)`,
  },
  nested: {
    title: "nested columns",
    query: `
      SELECT id, named_struct('x', id * 0.5D, 'y', CAST(id AS STRING)) AS point,
             transform(sequence(0, CAST(id % 8 AS INT)), i -> id + i) AS neighbours,
             map('a', id, 'b', id + 1) AS counts,
             transform(sequence(0, CAST(id % 3 AS INT)), i -> named_struct('at', i, 'tag', concat('t', id))) AS events
      FROM range(0, 500000, 1, 10)`,
  },
  zstd: { title: "zstd bodies", query: allTrips, conf: { ...recordsPerBatch(10_000), ...codec("zstd") } },
  lz4: { title: "lz4 bodies", query: allTrips, conf: recordsPerBatch(10_000), recompress: "lz4" },
  chunked: {
    title: "500,000-row batches in chunks of 1 MiB",
    query: allTrips,
    conf: recordsPerBatch(500_000),
    chunkBytes: 1024 * 1024,
  },
} as const satisfies Record<string, Recipe>;

export type RecordingName = keyof typeof recipes;
