/**
 * A process that reads, slowly. It is there to be killed.
 *
 *   argv    "store" and the store's directory, into which it has a query stored; or "result" and a file with a stored result
 *   stdout  a line for each batch: the number of its partition, and the batch in base64
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Table, tableToIPC } from "apache-arrow";
import { batchInfo, connect, sparkStream } from "../../lib/index.js";
import { rowQuery } from "./rows.js";

const [what, path] = process.argv.slice(2) as ["store" | "result", string];
async function streamOf() {
  if (what === "result") return sparkStream(JSON.parse(await readFile(path, "utf8")));
  const frame = (await connect()).sql(rowQuery(1_000_000, 8));
  return sparkStream(frame, { delivery: "stored", store: { uri: pathToFileURL(path).href } });
}
for await (const batch of await streamOf()) {
  const bytes = Buffer.from(tableToIPC(new Table([batch])));
  console.log(`${batchInfo(batch)!.partition} ${bytes.toString("base64")}`);
  await sleep(20);
}
