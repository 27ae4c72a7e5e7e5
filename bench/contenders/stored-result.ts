/**
 * A stored result, read without Spark.
 *
 *   argv   the manifest; the store; the processes that read it, each a share: all but this one are started here
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type StoredResult, sparkStream } from "../../lib/index.js";
import { measured } from "./measured.js";

const [manifest, uri, processes = "1", share] = process.argv.slice(2) as [string, string, string, string?];
const result = JSON.parse(await readFile(manifest, "utf8")) as StoredResult;

async function read(share: number): Promise<number> {
  const partitions = result.partitions.map(({ id }) => id).filter((id) => id % Number(processes) === share);
  let rows = 0;
  for await (const batch of sparkStream(result, { store: { uri }, partitions })) rows += batch.numRows;
  return rows;
}

if (share !== undefined) {
  process.on("message", async () => process.send!(await read(Number(share))));
} else {
  const others = Array.from({ length: Number(processes) - 1 }, (_, index) =>
    fork(process.argv[1]!, [manifest, uri, processes, `${index + 1}`]),
  );
  await measured(
    async () => {},
    async (_prepared, _task, tally) => {
      const told = others.map(async (child) => {
        child.send("read");
        const [rows] = (await once(child, "message")) as [number];
        return rows;
      });
      for (const rows of await Promise.all([read(0), ...told])) tally.add(rows);
    },
    async () => {
      for (const child of others) child.disconnect();
    },
  );
}
