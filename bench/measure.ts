/** Runs contenders in alternation, each run in a fresh process, so that noise of the machine meets all of them alike. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { built } from "./build.js";
import { type Summary, summary } from "./stats.js";
import type { Measurement, Task } from "./task.js";

export interface Contender {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** ms for one run; a client that cannot connect may try for a quarter of an hour. */
const RUN_TIMEOUT = 120_000;

/** What the runs of one contender came to. */
export interface Result {
  readonly contender: string;
  readonly runs: number;
  /** MB (10^6 bytes) of Arrow data a second. */
  readonly megabytesPerSecond: Summary;
  readonly cpuSecondsPerGigabyte: Summary;
  readonly peakRssMegabytes: Summary;
}

export interface Frame {
  readonly rows: number;
  /** Of all its record batches, as Spark sends them. */
  readonly arrowBytes: number;
}

/** A contender of this folder, compiled. */
export function nodeContender(name: string, source: string): Contender {
  return { name, command: [process.execPath, built(source)] };
}

/** @param pythonPath where PySpark is */
export function pythonContender(name: string, source: string, python: string, pythonPath: string): Contender {
  const env = { PYTHONPATH: pythonPath, PYTHONWARNINGS: "ignore" };
  return { name, command: [python, fileURLToPath(new URL(source, import.meta.url))], env };
}

export interface AlternateOptions {
  readonly runs: number;
  /** Called after each run. */
  onRun?(contender: Contender): Promise<void> | void;
}

/**
 * The results, in the order of the contenders. One round before the first is not counted.
 *
 * @param task made for each run: a session that was released cannot be used again
 */
export async function alternate(
  contenders: readonly Contender[],
  task: () => Task,
  frame: Frame,
  { runs, onRun }: AlternateOptions,
): Promise<Result[]> {
  const measurements = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round <= runs; round++) {
    for (const contender of contenders) {
      const measurement = await run(contender, task());
      if (measurement.rows !== frame.rows) {
        throw new Error(`${contender.name} read ${measurement.rows} rows of ${frame.rows}.`);
      }
      if (round === 0) continue;
      measurements.get(contender)!.push(measurement);
      await onRun?.(contender);
    }
  }
  return [...measurements].map(([contender, all]) => result(contender, all, frame));
}

function result({ name }: Contender, measurements: readonly Measurement[], { arrowBytes }: Frame): Result {
  return {
    contender: name,
    runs: measurements.length,
    megabytesPerSecond: summary(measurements.map(({ seconds }) => arrowBytes / 1e6 / seconds)),
    cpuSecondsPerGigabyte: summary(measurements.map(({ cpuSeconds }) => cpuSeconds / (arrowBytes / 1e9))),
    peakRssMegabytes: summary(measurements.map(({ peakRssBytes }) => peakRssBytes / 1e6)),
  };
}

/** One run: the last line of the output is the measurement. */
export async function run(
  { name, command: [program, ...args], env }: Contender,
  task: Task,
  timeout = RUN_TIMEOUT,
): Promise<Measurement> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
    timeout,
    env: { ...process.env, ...env, BENCH_TASK: JSON.stringify(task) },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`The contender ${name} ended with ${code ?? signal}.`);
  return JSON.parse(output.trimEnd().split("\n").at(-1)!) as Measurement;
}
