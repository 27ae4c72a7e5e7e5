import type { Measurement, Task } from "../task.js";

/** What a drain counted. */
export interface Counted {
  readonly rows: number;
  readonly batches: number;
}

/** Runs `drain` with what `prepare` made, and writes its measurement as the last line of the output. */
export async function measured<T>(
  prepare: (task: Task) => Promise<T>,
  drain: (prepared: T, task: Task) => Promise<Counted>,
  finish: (prepared: T) => Promise<void>,
): Promise<void> {
  const task = JSON.parse(process.env.BENCH_TASK ?? "{}") as Task;
  const prepared = await prepare(task);
  for (let pass = 1; pass < task.passes; pass++) await drain(prepared, task);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const counted = await drain(prepared, task);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const measurement: Measurement = {
    ...counted,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  await finish(prepared);
  console.log(JSON.stringify(measurement));
}
