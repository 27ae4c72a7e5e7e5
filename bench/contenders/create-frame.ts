/**
 * Record batches in memory to a table of Spark, by createDataFrame().
 *
 *   argv   the Arrow file that has them; the directory of Parquet files that Spark writes
 */
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";
import { measured } from "./measured.js";
import { openSession } from "./session.js";

const [file, target] = process.argv.slice(2) as [string, string];

await measured(
  async (task) => ({ session: await openSession(task), table: tableFromIPC(readFileSync(file)) }),
  async ({ session, table }, _task, tally) => {
    await session.createDataFrame(table).write.mode("overwrite").parquet(target);
    tally.add(table.numRows);
  },
  ({ session }) => session.close(),
);
