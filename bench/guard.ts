/**
 * Short runs for every test run, on a result that is made here and needs no Spark: how fast sparkStream() is beside a bare drain,
 * and the text writers beside JSON.stringify(). Its batches are small, so that what is done once per batch shows.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { Decimal, type RecordBatch, TimestampMicrosecond, Utf8, vectorFromArray } from "apache-arrow";
import { ExecutePlanResponseSchema } from "../lib/connect/generated/spark-connect_pb.js";
import { responsesOf } from "../lib/testing/scripted-result.js";
import { batchOf } from "../test/support/ipc.js";
import { bareDrain, type Contender, nodeContender, ours } from "./contenders.js";
import { alternate, type Result } from "./measure.js";
import { cpu, type Frame, type Metric, memory, speed } from "./metrics.js";
import type { Recording, RecordingFiles } from "./recording.js";
import { startReplay } from "./replay.js";

const ROWS = 1_000;
const BATCHES = 800;

/** Of the fastest pass. */
const best: Metric = {
  name: "best MB/s",
  unit: "MB/s",
  digits: 0,
  of: ({ fastestSeconds }, { arrowBytes }) => arrowBytes / 1e6 / fastestSeconds,
};

export interface GuardResults {
  readonly frame: Frame;
  readonly results: readonly Result[];
}

/** What is held, and the names of what it is held against. */
const pairs = { sparkStream: "bare drain", csvWriter: "JSON.stringify()", ndjsonWriter: "JSON.stringify()" } as const;
type Held = keyof typeof pairs;

/** Runs all, in alternation. The contenders must have been built. */
export async function runGuard(runs: number): Promise<GuardResults> {
  const directory = await mkdtemp(join(tmpdir(), "bench-guard-"));
  try {
    const files = { frames: join(directory, "guard.grpc"), manifest: join(directory, "guard.json") };
    const recording = await generate(files);
    const { sessionId, recipe } = recording;
    await using server = await startReplay(files);
    const task = { url: server.url, sessionId, query: recipe.query };
    const sink = (name: string, format: string) =>
      nodeContender(name, "contenders/batch-file.ts", format, files.frames);
    const sinks = [sink("csvWriter", "csv"), sink("ndjsonWriter", "ndjson"), sink("JSON.stringify()", "by hand")];
    const options = { runs, metrics: [best, speed, cpu, memory] };
    const drained = () => ({ ...task, passes: 15, samples: 10 });
    const written = ({ name }: Contender) => ({
      ...task,
      ...(name in pairs ? { passes: 9, samples: 5 } : { passes: 1 }),
    });
    return {
      frame: recording,
      results: [
        ...(await alternate([bareDrain, ours], drained, () => recording, options)),
        ...(await alternate(sinks, written, () => recording, options)),
      ],
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

export interface GuardRatios {
  /** The speed as a share of the peer's. */
  readonly speed: number;
  /** The peer's CPU time as a share of this one's, which a busy machine hardly changes. */
  readonly cpu: number;
}

/** Of these results, each contender at its best: whatever is worse was disturbed. */
export function guardRatios(results: readonly Result[]): Record<Held, GuardRatios> {
  const figures = (name: string, metric: Metric) =>
    results.flatMap(({ contender, figures }) => (contender === name ? [figures[metric.name]!] : []));
  const fastest = (name: string) => Math.max(...figures(name, best).map(({ max }) => max));
  const cheapest = (name: string) => Math.min(...figures(name, cpu).map(({ min }) => min));
  const ratios = Object.entries(pairs).map(([name, peer]): [string, GuardRatios] => [
    name,
    { speed: fastest(name) / fastest(peer), cpu: cheapest(peer) / cheapest(name) },
  ]);
  return Object.fromEntries(ratios) as Record<Held, GuardRatios>;
}

/** Writes the answer to a query as Spark gives it, in the form of a recording. */
async function generate({ frames, manifest }: RecordingFiles): Promise<Recording> {
  const batches = Array<RecordBatch>(BATCHES).fill(oneBatch());
  const [sessionId, serverSideSessionId, operationId] = [randomUUID(), randomUUID(), randomUUID()];
  const parts: Buffer[] = [];
  let arrowBytes = 0;
  for (const response of responsesOf({ batches }, false)) {
    const ids = { sessionId, serverSideSessionId, operationId, responseId: randomUUID() };
    const message = toBinary(ExecutePlanResponseSchema, create(ExecutePlanResponseSchema, { ...response, ...ids }));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    parts.push(prefix, Buffer.from(message));
    if (response.responseType?.case === "arrowBatch") arrowBytes += response.responseType.value.data!.length;
  }
  await writeFile(frames, Buffer.concat(parts));
  const recipe = { title: "generated", query: "SELECT 1" };
  const count = { rows: ROWS * BATCHES, batches: BATCHES, arrowBytes };
  const recording: Recording = { recipe, sparkVersion: "4.3.0", sessionId, serverSideSessionId, ...count };
  await writeFile(manifest, JSON.stringify(recording));
  return recording;
}

function oneBatch(): RecordBatch {
  const numbers = Array.from({ length: ROWS }, (_, row) => row);
  return batchOf({
    id: vectorFromArray(BigInt64Array.from(numbers, BigInt)),
    zone: vectorFromArray(Int32Array.from(numbers, (row) => row % 265)),
    distance: vectorFromArray(Float64Array.from(numbers, (row) => row * 0.25)),
    fare: vectorFromArray(
      numbers.map((row) => Uint32Array.of(row, 0, 0, 0)),
      new Decimal(2, 18),
    ),
    pickup: vectorFromArray(
      numbers.map((row) => 1_700_000_000_000 + 1000 * row),
      new TimestampMicrosecond("UTC"),
    ),
    vendor: vectorFromArray(
      numbers.map((row) => (row % 10 ? `z${row}` : null)),
      new Utf8(),
    ),
  });
}
