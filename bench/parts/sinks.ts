/** Record batches in memory to a file: this package's writers beside pyarrow's and DuckDB's. */
import { findSparkHome } from "../../lib/local/spark-home.js";
import { testPython } from "../../test/support/python.js";
import { type Contender, nodeContender, pythonContender } from "../contenders.js";
import { alternate } from "../measure.js";
import { drainMetrics, longestGap, MAX_P99_GAP, p99Gap, speed } from "../metrics.js";
import type { RecordingName } from "../recipes.js";
import { filesOf, recorded } from "../recording.js";
import { against, compare, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

interface Case {
  readonly format: "parquet" | "arrow" | "csv" | "ndjson";
  readonly recording: RecordingName;
  readonly peers: readonly ("pyarrow" | "duckdb")[];
  /** Of the first peer's speed. */
  readonly target?: number;
}

const cases: readonly Case[] = [
  { format: "parquet", recording: "batches-10000", peers: ["pyarrow", "duckdb"], target: 1 },
  { format: "parquet", recording: "strings", peers: ["pyarrow", "duckdb"], target: 1 },
  { format: "parquet", recording: "wide", peers: ["pyarrow", "duckdb"], target: 1 },
  { format: "parquet", recording: "nested", peers: ["pyarrow", "duckdb"], target: 1 },
  { format: "arrow", recording: "batches-10000", peers: ["pyarrow"] },
  { format: "csv", recording: "batches-10000", peers: ["pyarrow", "duckdb"] },
  { format: "ndjson", recording: "batches-10000", peers: ["duckdb"] },
  { format: "csv", recording: "wide", peers: ["pyarrow", "duckdb"] },
  { format: "ndjson", recording: "wide", peers: ["duckdb"] },
];

/** The writer of each format. */
const names = { parquet: "parquetWriter", arrow: "arrowWriter", csv: "csvWriter", ndjson: "ndjsonWriter" } as const;
const peerNames = { pyarrow: "pyarrow", duckdb: "DuckDB" } as const;

/** Passes of a process, the last of which counts: by then V8 has compiled what is hot. */
const PASSES = 3;

export const sinks: Part = async function* ({ runs }) {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  for (const { format, recording, peers, target } of cases) {
    const frame = await recorded(recording);
    const { frames } = filesOf(recording);
    const ours = nodeContender(names[format], "contenders/batch-file.ts", format, frames);
    const others = peers.map((peer): Contender => {
      const source = "contenders/batch-file.py";
      return pythonContender(`${peerNames[peer]}, ${format}`, source, python, pythonPath, peer, format, frames);
    });
    const task = () => ({ url: "", sessionId: "", query: "", passes: PASSES });
    const results = await alternate([ours, ...others], task, () => frame, {
      runs,
      metrics: [...drainMetrics, longestGap, p99Gap],
    });
    const part = `sinks, ${frame.recipe.title}`;
    const comparison = { part, metric: speed, contender: ours.name, peer: others[0]!.name, bound: "at least" } as const;
    yield {
      title: `${part}, from memory into ${format} (${frame.rows} rows, ${Math.round(frame.arrowBytes / 1e6)} MB)`,
      results,
      verdicts: [
        ...(target === undefined ? [] : [compare(results, { ...comparison, target })]),
        against(
          `${part}, ${format}, p99 gap of the event loop: ${ours.name}`,
          "ms",
          figureOf(results, ours.name, p99Gap).samples,
          MAX_P99_GAP,
          "at most",
        ),
      ],
      remarks: [
        "The peak RSS has the batches in it, which wait in memory. DuckDB writes with all cores, pyarrow with one.",
      ],
    };
  }
};
