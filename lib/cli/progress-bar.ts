import type { StreamProgress } from "../chain/source-report.js";
import { amount, rate } from "./amounts.js";
import type { ResultStream } from "./output.js";

/** ms */
const INTERVAL = 200;

/** Shows a stream's progress on standard error, until the function that it resolves to is called. */
export async function showProgress(stream: ResultStream): Promise<() => void> {
  // Loaded only here: a pipe needs no bar.
  const { Presets, SingleBar } = await import("cli-progress");
  const format = "{bar} {tasks} | {rows} rows | {rate}";
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  const begin = performance.now();
  const figures = () => {
    const { rows, bytes } = stream.metrics;
    return { rows: amount(rows), rate: rate(bytes, performance.now() - begin) };
  };
  bar.start(1, 0, { tasks: "no tasks yet", ...figures() });
  stream.on("progress", ({ tasks, completedTasks }: StreamProgress) => {
    bar.setTotal(Math.max(tasks, 1));
    bar.update(completedTasks, { tasks: `${completedTasks}/${tasks} tasks`, ...figures() });
  });
  const timer = setInterval(() => bar.update(figures()), INTERVAL);
  return () => {
    clearInterval(timer);
    bar.stop();
  };
}
