// A process of its own that reads partitions of a stored result and writes a line per batch: partition, row, ids. It knows no Spark.
import { readFileSync } from "node:fs";
import { batchInfo, type ResultPosition, sparkStream } from "../../lib/index.js";

const [manifest, partitions, from, pace = "0"] = process.argv.slice(2) as [string, string, string, string?];
const start: ResultPosition | undefined = JSON.parse(from);
let at = start ?? { partition: -1, row: 0 };
const options = { partitions: JSON.parse(partitions) as number[], ...(start && { from: start }) };
for await (const batch of sparkStream(JSON.parse(readFileSync(manifest, "utf8")), options)) {
  const { partition = -1 } = batchInfo(batch)!;
  if (partition !== at.partition) at = { partition, row: 0 };
  at = { partition, row: at.row + batch.numRows };
  const ids = [...(batch.getChildAt(0)!.toArray() as BigInt64Array)].map(Number);
  process.stdout.write(`${JSON.stringify({ at, ids })}\n`);
  await new Promise((resolve) => setTimeout(resolve, Number(pace)));
}
