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

type Peer = "pyarrow" | "duckdb" | "duckdb-1";

interface Case {
  readonly format: "parquet" | "arrow" | "csv" | "ndjson";
  readonly recording: RecordingName;
  readonly peers: readonly Peer[];
  /** Of the peers' speeds. */
  readonly targets?: Readonly<Partial<Record<Peer, number>>>;
}

const cases: readonly Case[] = [
  { format: "parquet", recording: "batches-10000", peers: ["pyarrow", "duckdb"], targets: { pyarrow: 1 } },
  { format: "parquet", recording: "strings", peers: ["pyarrow", "duckdb"], targets: { pyarrow: 1 } },
  { format: "parquet", recording: "wide", peers: ["pyarrow", "duckdb"], targets: { pyarrow: 1 } },
  { format: "parquet", recording: "nested", peers: ["pyarrow", "duckdb"], targets: { pyarrow: 1 } },
  { format: "arrow", recording: "batches-10000", peers: ["pyarrow"] },
  ...(["batches-10000", "strings", "wide"] as const).flatMap((recording): Case[] => [
    {
      format: "csv",
      recording,
      peers: ["duckdb-1", "duckdb", "pyarrow"],
      targets: { "duckdb-1": 1, ...(recording === "batches-10000" && { pyarrow: 5 }) },
    },
    { format: "ndjson", recording, peers: ["duckdb-1", "duckdb"], targets: { "duckdb-1": 1 } },
  ]),
  { format: "ndjson", recording: "nested", peers: ["duckdb-1", "duckdb"], targets: { "duckdb-1": 1 } },
];

/** The writer of each format. */
const names = { parquet: "parquetWriter", arrow: "arrowWriter", csv: "csvWriter", ndjson: "ndjsonWriter" } as const;
const peerNames = { pyarrow: "pyarrow", duckdb: "DuckDB", "duckdb-1": "DuckDB, one thread" } as const;

/** Passes of a process, the last of which counts: by then V8 has compiled what is hot. */
const PASSES = 3;

export const sinks: Part = async function* ({ runs }) {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  for (const { format, recording, peers, targets = {} } of cases) {
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
    const comparison = { part, metric: speed, contender: ours.name, bound: "at least" } as const;
    yield {
      title: `${part}, from memory into ${format} (${frame.rows} rows, ${Math.round(frame.arrowBytes / 1e6)} MB)`,
      results,
      verdicts: [
        ...peers.flatMap((peer, index) => {
          const target = targets[peer];
          return target === undefined ? [] : [compare(results, { ...comparison, peer: others[index]!.name, target })];
        }),
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
