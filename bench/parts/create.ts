/** What is in memory to Parquet files of Spark: createDataFrame() beside PySpark's, of the same Arrow table. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalSpark } from "../../lib/local/index.js";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { testPython } from "../../test/support/python.js";
import { type Contender, nodeContender, pythonContender } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpu, longestGap, MAX_P99_GAP, memory, p99Gap, sizeOf, speed, time } from "../metrics.js";
import { against, compare, figureOf } from "../verdict.js";
import { arrowFile } from "./arrow-file.js";
import type { Part } from "./part.js";

const SIZES = [1_000_000, 5_000_000];

export const create: Part = async function* ({ runs }) {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  const directory = await mkdtemp(join(tmpdir(), "bench-create-"));
  // PySpark's way needs an object per row in the driver: 5,000,000 of them do not fit into 2 GB.
  await using local = await startLocalSpark({ driverMemory: "4g" });
  try {
    for (const rows of SIZES) {
      const file = join(directory, `${rows}.arrows`);
      const frame = await arrowFile(file, rows);
      const ours = nodeContender("createDataFrame", "contenders/create-frame.ts", file, join(directory, "ours"));
      const peer = pythonContender(
        "PySpark createDataFrame",
        "contenders/create-frame.py",
        python,
        pythonPath,
        file,
        join(directory, "pyspark"),
      );
      const inMemory = nodeContender("the table in memory alone", "contenders/table-in-memory.ts", file);
      // A session keeps what it received, so each run has a session of its own, and one pass.
      const task = () => ({ url: local.url, token: local.token, sessionId: randomUUID(), query: "", passes: 1 });
      const contenders: Contender[] = [ours, peer, inMemory];
      const metrics = [time, speed, cpu, memory, longestGap, p99Gap];
      const results = await alternate(contenders, task, () => frame, { runs, metrics });
      const part = `create, ${sizeOf(frame)}`;
      yield {
        title: `${part}: from memory to Parquet files that Spark writes`,
        results,
        verdicts: [
          compare(results, {
            part,
            metric: speed,
            contender: ours.name,
            peer: peer.name,
            target: 2,
            bound: "at least",
          }),
          against(
            `${part}: MB beside the table`,
            "MB",
            figureOf(results, ours.name, memory).samples.map(
              (sample, run) => sample - figureOf(results, inMemory.name, memory).samples[run]!,
            ),
            64,
            "at most",
          ),
          against(
            `${part}: p99 gap of the event loop`,
            "ms",
            figureOf(results, ours.name, p99Gap).samples,
            MAX_P99_GAP,
            "at most",
          ),
        ],
        remarks: [
          "The time has the upload, Spark's reading of it, and the writing of the files. The table is in memory before.",
        ],
      };
    }
  } finally {
    await rm(directory, { recursive: true });
  }
};
