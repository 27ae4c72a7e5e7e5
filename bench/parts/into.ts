/** A stream of record batches to Parquet files of Spark: sparkWriter() by both ways, PySpark's createDataFrame(), and Spark alone. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../lib/index.js";
import { type LocalSpark, startLocalSpark } from "../../lib/local/index.js";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { testPython } from "../../test/support/python.js";
import { type Contender, nodeContender, pythonContender } from "../contenders.js";
import { alternate, type Result } from "../measure.js";
import { startLoggedSpark } from "../memory/driver-heap.js";
import { cpu, MAX_P99_GAP, memory, p99Gap, rowSpeed, sizeOf, speed, time } from "../metrics.js";
import { against, compare, figureOf } from "../verdict.js";
import { arrowFile } from "./arrow-file.js";
import type { Outcome, Part } from "./part.js";

/** PySpark needs minutes for 7,500,000, with 4 GB. */
const ROWS = 5_000_000;
/** 1 GB, which a driver with 1 GB has to do with. */
const MANY_ROWS = 30_000_000;
const BATCH_ROWS = 10_000;
/** MB of this process that a stream of any size may take. */
const MAX_MEMORY = 200;

export const into: Part = async function* ({ runs }) {
  const directory = await mkdtemp(join(tmpdir(), "bench-into-"));
  try {
    yield await compared(directory, runs);
    yield await withSmallDriver(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
};

const writer = (delivery: "pull" | "upload", file: string, target: string): Contender =>
  nodeContender(`sparkWriter, "${delivery}"`, "contenders/into.ts", file, target, delivery);

// A session keeps what it received by createDataFrame(), so each run has a session of its own, and one pass.
const taskOn = ({ url, token }: LocalSpark) => ({ url, token, sessionId: randomUUID(), query: "", passes: 1 });

async function compared(directory: string, runs: number): Promise<Outcome> {
  const to = (name: string) => join(directory, name);
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  // PySpark's way needs an object per row in the driver.
  await using local = await startLocalSpark({ driverMemory: "4g" });
  const file = to("few.arrows");
  const frame = await arrowFile(file, ROWS, BATCH_ROWS);
  const [pull, upload] = [writer("pull", file, to("pulled")), writer("upload", file, to("uploaded"))];
  const copy = nodeContender("Spark from Parquet", "contenders/copy-parquet.ts", to("pulled"), to("copied"), `${ROWS}`);
  const script = "contenders/create-frame.py";
  const peer = pythonContender("PySpark createDataFrame", script, python, pythonPath, file, to("pyspark"));
  const metrics = [time, speed, rowSpeed, cpu, memory, p99Gap];
  const results = await alternate(
    [pull, upload, copy, peer],
    () => taskOn(local),
    () => frame,
    { runs, metrics },
  );
  await expectRows(local, to("uploaded"), ROWS);
  const part = `into, ${sizeOf(frame)}`;
  const beside = { part, metric: speed, bound: "at least" } as const;
  return {
    title: `${part}: a stream to Parquet files that Spark writes`,
    results,
    verdicts: [
      compare(results, { ...beside, contender: pull.name, peer: peer.name, target: 5 }),
      compare(results, { ...beside, contender: pull.name, peer: copy.name, target: 0.5 }),
      compare(results, { ...beside, contender: upload.name, peer: peer.name, target: 1 }),
      ...[pull, upload].map(({ name }) =>
        against(`${part}: p99 gap of ${name}`, "ms", figureOf(results, name, p99Gap).samples, MAX_P99_GAP, "at most"),
      ),
    ],
    remarks: ["The driver has 4 GB."],
  };
}

async function withSmallDriver(directory: string): Promise<Outcome> {
  const file = join(directory, "many.arrows");
  const frame = await arrowFile(file, MANY_ROWS, BATCH_ROWS);
  const results: Result[] = [];
  const remarks: string[] = [];
  for (const delivery of ["pull", "upload"] as const) {
    await using logged = await startLoggedSpark();
    const target = join(directory, `many-${delivery}`);
    const contender = writer(delivery, file, target);
    const task = () => taskOn(logged.spark);
    results.push(...(await alternate([contender], task, () => frame, { runs: 1, metrics: [time, speed, memory] })));
    remarks.push(
      `The driver's heap by "${delivery}": ${await logged.peakHeapMegabytes()} MB after a full collection at the most.`,
    );
    await expectRows(logged.spark, target, MANY_ROWS);
    await rm(target, { recursive: true });
  }
  const part = `into, ${sizeOf(frame)}`;
  return {
    title: `${part}: the same with a driver of 1 GB, which collects its garbage every second`,
    results,
    verdicts: results.map(({ contender }) =>
      against(`${part}: ${contender}`, "MB", figureOf(results, contender, memory).samples, MAX_MEMORY, "at most"),
    ),
    remarks,
  };
}

async function expectRows({ url, token }: LocalSpark, path: string, rows: number): Promise<void> {
  await using session = await connect(url, { token });
  const found = await session.read.parquet(path).count();
  if (found !== rows) throw new Error(`${path} has ${found} rows of ${rows}.`);
}
