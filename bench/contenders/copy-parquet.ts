/**
 * Parquet files to Parquet files, by Spark alone: nothing comes from here.
 *
 *   argv   the directory that is read; the one that is written; the rows
 */
import { measured } from "./measured.js";
import { openSession } from "./session.js";

const [from, to, rows] = process.argv.slice(2) as [string, string, string];

await measured(
  openSession,
  async (session, _task, tally) => {
    await session.read.parquet(from).write.mode("overwrite").parquet(to);
    tally.add(Number(rows));
  },
  (session) => session.close(),
);
