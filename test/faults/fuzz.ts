/**
 * Feeds broken bytes to whatever reads a server's, and checks each time: a clear error or a valid result, at once, in
 * memory bounded by the input. What hangs or crashes, hangs or crashes this process.
 */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import type { RecordBatch } from "apache-arrow";
import { table } from "../../bench/table.js";
import { connect, SparkStreamError } from "../../lib/index.js";
import { columnsOf } from "../support/ipc.js";
import { runPython } from "../support/python.js";
import { Random } from "../support/random.js";
import { errorTarget, type FuzzTarget, ipcTarget, pushTarget, responseTarget, streamTarget } from "./fuzz-targets.js";

export interface FuzzRow {
  target: string;
  inputs: number;
  /** Inputs that gave batches after all: what was broken was a value, or nothing that counts. */
  valid: number;
  /** Inputs by the code of the error. */
  errors: Record<string, number>;
  /** The most that one input took, in ms, and in bytes beyond twice its own size. */
  maxMs: number;
  maxBytes: number;
}

/** ms, and bytes besides twice the input: what the runtime and other garbage take, by far. */
const MAX_MS = 1_000;
const MAX_BYTES = 32 * 2 ** 20;
/** Bytes that the process may grow by in all, what was freed before it could be measured included. */
const MAX_GROWTH = 512 * 2 ** 20;

export interface FuzzResult {
  readonly rows: readonly FuzzRow[];
  readonly problems: readonly string[];
}

export async function fuzz({ inputs, seed }: { inputs: number; seed: number }): Promise<FuzzResult> {
  await using overGrpc = await streamTarget(connect);
  await using toListener = await pushTarget();
  const targets = [ipcTarget(await ipcStreams()), responseTarget, errorTarget, overGrpc, toListener];
  const round = targets.flatMap((target, index) => Array<number>(target.share).fill(index));
  const rows = targets.map(
    ({ name }): FuzzRow => ({ target: name, inputs: 0, valid: 0, errors: {}, maxMs: 0, maxBytes: 0 }),
  );
  const problems: string[] = [];
  const grown = process.resourceUsage().maxRSS;

  for (let run = 0; run < inputs; run++) {
    const index = round[run % round.length]!;
    const [target, row] = [targets[index]!, rows[index]!];
    const input = target.input(new Random(seed * 1_000_003 + run * 7919));
    const { outcome, ms, bytes } = await measured(target, input);
    row.inputs++;
    row.maxMs = Math.max(row.maxMs, ms);
    row.maxBytes = Math.max(row.maxBytes, bytes);
    if (outcome === "valid") row.valid++;
    else if (outcome instanceof SparkStreamError) row.errors[outcome.code] = (row.errors[outcome.code] ?? 0) + 1;
    else problems.push(`${target.name}, input ${run}: ${inspect(outcome)}`);
    if (ms > MAX_MS || bytes > MAX_BYTES) problems.push(`${target.name}, input ${run}: ${ms} ms, ${bytes} bytes`);
  }
  const growth = (process.resourceUsage().maxRSS - grown) * 1024;
  if (growth > MAX_GROWTH) problems.push(`the process has grown by ${growth} bytes`);
  return { rows, problems };
}

export function fuzzTable(rows: readonly FuzzRow[]): string {
  const lines = rows.map(({ target, inputs, valid, errors, maxMs, maxBytes }) => {
    const codes = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
    return [target, `${inputs}`, `${valid}`, maxMs.toFixed(0), (maxBytes / 2 ** 20).toFixed(1), codes.join(", ")];
  });
  return table(["target", "inputs", "valid", "max ms", "max MiB", "errors"], lines);
}

/** What became of an input; and what it took, the result still being held. */
async function measured(target: FuzzTarget, input: readonly Uint8Array[]) {
  const size = input.reduce((total, { length }) => total + length, 0);
  const before = memory();
  const begin = performance.now();
  let outcome: unknown = "valid";
  let batches: readonly RecordBatch[] = [];
  try {
    batches = await target.take(input);
    read(batches);
  } catch (error) {
    outcome = error;
  }
  const ms = performance.now() - begin;
  return { outcome, ms, bytes: memory() - before - 2 * size, batches };
}

const memory = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;

/** What apache-arrow says of an int64 that no number holds: a value as any other, or an offset between two that are checked. */
const UNSAFE = /is not safe to convert to a number/;

/** A valid result can be read, from the first value to the last. */
function read(batches: readonly RecordBatch[]): void {
  for (const batch of batches) {
    for (const vector of columnsOf(batch)) {
      if (vector.length !== batch.numRows) throw new Error(`${vector.length} values in a batch of ${batch.numRows}`);
      for (let row = 0; row < Math.min(vector.length, 1_000); row++) {
        try {
          vector.get(row);
        } catch (error) {
          if (!UNSAFE.test((error as Error).message)) throw error;
        }
      }
    }
  }
}

/** Streams of every type, by pyarrow; some with compressed bodies. */
async function ipcStreams(): Promise<Uint8Array[]> {
  const script = readFileSync(new URL("../support/arrow/ipc_streams.py", import.meta.url), "utf8");
  const { streams, lz4, zstd } = (await runPython(script)) as Record<string, Record<string, string>>;
  const names = [
    "everything",
    "several batches",
    "deep",
    "dictionary",
    "dictionary_in_list",
    "sparse_union",
    "string_view",
  ];
  const compressed = ["everything", "dictionary", "no nulls"].flatMap((name) => [lz4![name]!, zstd![name]!]);
  return [...names.map((name) => streams![name]!), ...compressed].map((base64) => Buffer.from(base64, "base64"));
}
