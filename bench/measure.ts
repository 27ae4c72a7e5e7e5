/** Runs contenders in alternation, each run in a fresh process, so that noise of the machine meets all of them alike. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Contender } from "./contenders.js";
import type { Frame, Metric } from "./metrics.js";
import { type Summary, summary } from "./stats.js";
import type { Measurement, Task } from "./task.js";

/** ms for one run; a client that cannot connect may try for a quarter of an hour. */
const RUN_TIMEOUT = 300_000;

/** What the runs of one contender came to. */
export interface Result {
  readonly contender: string;
  /** By the names of the metrics. Empty where `absent` tells why. */
  readonly figures: Readonly<Record<string, Figure>>;
  readonly absent?: string;
}

export interface Figure extends Summary {
  readonly digits: number;
  /** In the order of the rounds: those of one index were measured beside each other. */
  readonly samples: readonly number[];
}

export interface AlternateOptions {
  readonly runs: number;
  readonly metrics: readonly Metric[];
  /** Called after each run. */
  onRun?(contender: Contender): Promise<void> | void;
}

/**
 * The results, in the order of the contenders. One round before the first is not counted: a contender that fails in it
 * is left out, and its result says so.
 *
 * @param task made for each run: a session that was released cannot be used again
 * @throws Error where a contender fails later, twice in a row
 */
export async function alternate(
  contenders: readonly Contender[],
  task: (contender: Contender) => Task | Promise<Task>,
  frameOf: (contender: Contender) => Frame,
  { runs, metrics, onRun }: AlternateOptions,
): Promise<Result[]> {
  const measured = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  const absent = new Map(contenders.map((contender) => [contender, contender.absent]));
  for (let round = 0; round <= runs; round++) {
    for (const contender of contenders) {
      if (absent.get(contender) !== undefined) continue;
      const once = async () => runWhole(contender, await task(contender), frameOf(contender));
      try {
        const measurement = await once().catch((error) => {
          if (round === 0) throw error;
          console.error(`${contender.name}, once more: ${(error as Error).message}`);
          return once();
        });
        if (round > 0) measured.get(contender)!.push(measurement);
      } catch (error) {
        if (round > 0) throw error;
        absent.set(contender, `failed: ${(error as Error).message}`);
      }
      if (round > 0) await onRun?.(contender);
    }
  }
  return contenders.map((contender) => {
    const reason = absent.get(contender);
    if (reason !== undefined) return { contender: contender.name, figures: {}, absent: reason };
    return { contender: contender.name, figures: figuresOf(measured.get(contender)!, metrics, frameOf(contender)) };
  });
}

function figuresOf(measurements: readonly Measurement[], metrics: readonly Metric[], frame: Frame) {
  const figure = (metric: Metric): Figure => {
    const samples = measurements.map((measurement) => metric.of(measurement, frame));
    return { ...summary(samples), digits: metric.digits, samples };
  };
  return Object.fromEntries(metrics.map((metric) => [metric.name, figure(metric)]));
}

/** @throws Error where it fails, or reads other rows than there are */
async function runWhole(contender: Contender, task: Task, { rows }: Frame): Promise<Measurement> {
  const measurement = await run(contender, task);
  if (measurement.rows !== rows) throw new Error(`${contender.name} read ${measurement.rows} rows of ${rows}.`);
  return measurement;
}

/**
 * One run: the last line of the output is the measurement.
 *
 * @throws Error with the last line of what the contender wrote to standard error
 */
export async function run(
  { name, command: [program, ...args], env }: Contender,
  task: Task,
  timeout = RUN_TIMEOUT,
): Promise<Measurement> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
    env: { ...process.env, ...env, BENCH_TASK: JSON.stringify(task) },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  const lastLine = (text: string) => text.trimEnd().split("\n").at(-1)!;
  if (code === 0) return JSON.parse(lastLine(output.stdout)) as Measurement;
  throw new Error(`${name} ended with ${code ?? signal}: ${lastLine(output.stderr)}`);
}
