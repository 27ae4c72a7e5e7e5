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
/** 1 and 4 GB, which a driver with 1 GB has to do with. */
const MANY_ROWS = [30_000_000, 120_000_000];
const BATCH_ROWS = 10_000;
/** MB of this process that a stream of any size may take. */
const MAX_MEMORY = 200;

export const into: Part = async function* ({ runs }) {
  const directory = await mkdtemp(join(tmpdir(), "bench-into-"));
  try {
    yield await compared(directory, runs);
    for (const rows of MANY_ROWS) yield await withSmallDriver(directory, rows);
  } finally {
    await rm(directory, { recursive: true });
  }
};

const writer = (delivery: "pull" | "upload", file: string, target: string): Contender =>
  nodeContender(`sparkWriter, "${delivery}"`, "contenders/into.ts", file, target, delivery);

const copier = (from: string, to: string, rows: number): Contender =>
  nodeContender("Spark from Parquet", "contenders/copy-parquet.ts", from, to, `${rows}`);

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
  const copy = copier(to("pulled"), to("copied"), ROWS);
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

async function withSmallDriver(directory: string, rows: number): Promise<Outcome> {
  const file = join(directory, "many.arrows");
  const frame = await arrowFile(file, rows, BATCH_ROWS);
  const results: Result[] = [];
  const remarks: string[] = [];
  const to = (name: string) => join(directory, `many-${name}`);
  const runOn = async (spark: LocalSpark, contender: Contender) => {
    const metrics = [time, speed, memory];
    results.push(
      ...(await alternate(
        [contender],
        () => taskOn(spark),
        () => frame,
        { runs: 1, metrics },
      )),
    );
  };
  for (const delivery of ["upload", "pull"] as const) {
    await using logged = await startLoggedSpark();
    await runOn(logged.spark, writer(delivery, file, to(delivery)));
    remarks.push(
      `The driver's heap by "${delivery}": ${await logged.peakHeapMegabytes()} MB after a full collection at the most.`,
    );
    await expectRows(logged.spark, to(delivery), rows);
    if (delivery === "pull") await runOn(logged.spark, copier(to("pull"), to("copy"), rows));
    await Promise.all([delivery, "copy"].map((name) => rm(to(name), { recursive: true, force: true })));
  }
  const part = `into, ${sizeOf(frame)}`;
  const [upload, pull, copy] = results as [Result, Result, Result];
  return {
    title: `${part}: the same with a driver of 1 GB, which collects its garbage every second`,
    results,
    verdicts: [
      compare(results, {
        part,
        metric: speed,
        contender: pull.contender,
        peer: copy.contender,
        bound: "at least",
        target: 0.5,
      }),
      ...[pull, upload].map(({ contender }) =>
        against(`${part}: ${contender}`, "MB", figureOf(results, contender, memory).samples, MAX_MEMORY, "at most"),
      ),
    ],
    remarks,
  };
}

async function expectRows({ url, token }: LocalSpark, path: string, rows: number): Promise<void> {
  await using session = await connect(url, { token });
  const found = await session.read.parquet(path).count();
  if (found !== rows) throw new Error(`${path} has ${found} rows of ${rows}.`);
}
