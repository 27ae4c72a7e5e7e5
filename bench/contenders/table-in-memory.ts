/** An Arrow file read into memory, and nothing else: what a process has before it does something with it. */
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";
import { measured } from "./measured.js";
import { openSession } from "./session.js";

const [file] = process.argv.slice(2) as [string];

await measured(
  async (task) => ({ session: await openSession(task), table: tableFromIPC(readFileSync(file)) }),
  async ({ session, table }, _task, tally) => {
    await session.version();
    tally.add(table.numRows);
  },
  ({ session }) => session.close(),
);
