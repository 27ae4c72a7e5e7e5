/**
 * npm run bench:memory [-- --gigabytes 0.25,1,4,10] [--only TEXT]
 *
 * Results of so many GB of Arrow data from a local Spark with a driver of 1 GB and the default spark.driver.maxResultSize,
 * through each sink; beside it PySpark's own Connect client, over the same rows. Default: 0.25, 1 and 4. What fails is
 * said so in the table. The figures are also kept in bench/results/memory.json, beside those of what was not run this time.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import { type Contender, nodeContender, pyspark } from "./contenders.js";
import { run } from "./measure.js";
import { startLoggedSpark } from "./memory/driver-heap.js";
import { table } from "./table.js";
import type { Task } from "./task.js";

/** Bytes of Arrow data of a row: three numbers, and a string with its offset. */
const TEXT_BYTES = 472;
const ROW_BYTES = 3 * 8 + TEXT_BYTES + 4;
const PARTITION_BYTES = 16e6;
const RUN_TIMEOUT = 3_600_000;

interface Case {
  readonly name: string;
  readonly contender: Contender;
  readonly options: Pick<Task, "delivery" | "sink">;
}

interface Line {
  readonly gigabytes: number;
  readonly name: string;
  readonly failed: boolean;
  readonly rows?: number;
  readonly seconds?: number;
  readonly peakRssMegabytes?: number;
  readonly driverHeapMegabytes: number;
}

const { values } = parseArgs({
  options: { gigabytes: { type: "string", default: "0.25,1,4" }, only: { type: "string", default: "" } },
});
const sizes = values.gigabytes.split(",").map(Number);

build();
const ours = nodeContender("sparkStream", "contenders/memory-stream.ts");
const cases: readonly Case[] = [
  { name: "staged, null sink", contender: ours, options: { delivery: "staged", sink: "null" } },
  { name: "staged, slow sink", contender: ours, options: { delivery: "staged", sink: "slow" } },
  { name: "staged, Parquet", contender: ours, options: { delivery: "staged", sink: "parquet" } },
  { name: "push, null sink", contender: ours, options: { delivery: "push", sink: "null" } },
  { name: "push, slow sink", contender: ours, options: { delivery: "push", sink: "slow" } },
  { name: "push, Parquet", contender: ours, options: { delivery: "push", sink: "parquet" } },
  { name: "push, CSV", contender: ours, options: { delivery: "push", sink: "csv" } },
  { name: "push, NDJSON", contender: ours, options: { delivery: "push", sink: "ndjson" } },
  { name: "stored, null sink", contender: ours, options: { delivery: "stored", sink: "null" } },
  { name: "stored, slow sink", contender: ours, options: { delivery: "stored", sink: "slow" } },
  { name: "result, null sink", contender: ours, options: { delivery: "result", sink: "null" } },
  {
    name: "PySpark batches",
    contender: await pyspark("batches"),
    options: {},
  },
].filter(({ name }) => name.includes(values.only)) as Case[];

const lines: Line[] = [];
for (const gigabytes of sizes) {
  for (const each of cases) {
    lines.push(await measure(gigabytes, each));
    console.log(`\n${shown(lines)}`);
    keep(lines);
  }
}

function keep(found: readonly Line[]): void {
  const file = new URL("results/memory.json", import.meta.url);
  const isNew = (line: Line) => found.some(({ name, gigabytes }) => name === line.name && gigabytes === line.gigabytes);
  const before = (JSON.parse(readFileSync(file, "utf8")) as Line[]).filter((line) => !isNew(line));
  writeFileSync(file, `${JSON.stringify([...before, ...found], null, 2)}\n`);
}

async function measure(gigabytes: number, { name, contender, options }: Case): Promise<Line> {
  const rows = Math.round((gigabytes * 1e9) / ROW_BYTES);
  const partitions = Math.ceil((gigabytes * 1e9) / PARTITION_BYTES);
  const query = `SELECT id, id * 0.5D AS x, id % 1000 AS k, lpad(CAST(id AS STRING), ${TEXT_BYTES}, 'row ') AS text FROM range(0, ${rows}, 1, ${partitions})`;
  await using logged = await startLoggedSpark();
  const { url, token } = logged.spark;
  const task: Task = { url, token, sessionId: randomUUID(), query, passes: 1, ...options };
  try {
    const measurement = await run(contender, task, RUN_TIMEOUT);
    if (measurement.rows !== rows) throw new Error(`${name} read ${measurement.rows} rows of ${rows}.`);
    const { seconds, peakRssBytes } = measurement;
    const peaks = { peakRssMegabytes: peakRssBytes / 1e6, driverHeapMegabytes: await logged.peakHeapMegabytes() };
    return { gigabytes, name, failed: false, rows, seconds, ...peaks };
  } catch (error) {
    console.error(`${error}`);
    return { gigabytes, name, failed: true, driverHeapMegabytes: await logged.peakHeapMegabytes() };
  }
}

function shown(measured: readonly Line[]): string {
  return table(
    ["", "GB", "s", "rows checked", "peak RSS MB", "driver's live heap MB"],
    measured.map(({ name, gigabytes, failed, seconds, rows, peakRssMegabytes, driverHeapMegabytes }) => [
      name,
      String(gigabytes),
      failed ? "FAILED" : seconds!.toFixed(1),
      rows?.toLocaleString("en") ?? "",
      peakRssMegabytes?.toFixed(0) ?? "",
      driverHeapMegabytes.toFixed(0),
    ]),
  );
}
