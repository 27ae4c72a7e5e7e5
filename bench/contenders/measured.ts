import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Measurement, Task } from "../task.js";

/** What a pass hands out is told to it, batch by batch. */
export class Tally {
  rows = 0;
  batches = 0;
  readonly start = performance.now();
  /** ms from `start` */
  first: number | undefined;

  add(rows: number): void {
    this.first ??= performance.now() - this.start;
    this.rows += rows;
    this.batches++;
  }
}

/** Enough for some samples of the event loop. */
const FEW_MS = 20;

export type Drain<T> = (prepared: T, task: Task, tally: Tally) => Promise<void>;

/** Runs `drain` with what `prepare` made, and writes its measurement as the last line of the output. */
export async function measured<T>(
  prepare: (task: Task) => Promise<T>,
  drain: Drain<T>,
  finish: (prepared: T) => Promise<void>,
): Promise<void> {
  const task = JSON.parse(process.env.BENCH_TASK ?? "{}") as Task;
  const { passes, samples = 1, concurrency = 1 } = task;
  const prepared = await prepare(task);
  const pass = async () => {
    const tally = new Tally();
    await drain(prepared, task, tally);
    return { tally, ms: performance.now() - tally.start };
  };
  for (let warm = samples; warm < passes; warm++) await pass();

  const gaps = monitorEventLoopDelay({ resolution: 1 });
  gaps.enable();
  await sleep(FEW_MS); // a gap counts from the sample before it to the one after it
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const done = await several(pass, samples, concurrency);
  const wallSeconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await sleep(FEW_MS);
  gaps.disable();

  const { rows, batches } = done[0]!.tally;
  const seconds = done.map(({ ms }) => ms / 1000);
  const measurement: Measurement = {
    rows,
    batches,
    seconds: quantile(seconds, 0.5),
    fastestSeconds: quantile(seconds, 0),
    p99Seconds: quantile(seconds, 0.99),
    firstBatchSeconds: quantile(
      done.map(({ tally, ms }) => (tally.first ?? ms) / 1000),
      0.5,
    ),
    wallSeconds,
    cpuSeconds: (user + system) / 1e6 / samples,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    longestGapSeconds: gaps.max / 1e9,
    p99GapSeconds: gaps.percentile(99) / 1e9,
  };
  await finish(prepared);
  console.log(JSON.stringify(measurement));
}

/** `count` results of `work`, at most `concurrency` under way at a time. */
async function several<R>(work: () => Promise<R>, count: number, concurrency: number): Promise<R[]> {
  const results: R[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      begun++;
      results.push(await work());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
