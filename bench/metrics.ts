import type { Measurement } from "./task.js";

/** What is read, of which all contenders read the same. */
export interface Frame {
  readonly rows: number;
  /** Of all its record batches, as Spark sends them. */
  readonly arrowBytes: number;
}

/** For people: "5,000,000 rows, 264 MB". */
export function sizeOf({ rows, arrowBytes }: Frame): string {
  return `${rows.toLocaleString("en")} rows, ${Math.round(arrowBytes / 1e6)} MB`;
}

/** One column of a table of results. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** After the decimal point. */
  readonly digits: number;
  of(measurement: Measurement, frame: Frame): number;
}

const metric = (name: string, unit: string, digits: number, of: Metric["of"]): Metric => ({ name, unit, digits, of });

/** MB (10^6 bytes) of Arrow data a second. */
export const speed = metric("MB/s", "MB/s", 0, ({ seconds }, { arrowBytes }) => arrowBytes / 1e6 / seconds);
export const rowSpeed = metric("M rows/s", "M rows/s", 2, ({ seconds, rows }) => rows / 1e6 / seconds);
export const cpu = metric("CPU s/GB", "s/GB", 2, ({ cpuSeconds }, { arrowBytes }) => cpuSeconds / (arrowBytes / 1e9));
export const memory = metric("peak RSS MB", "MB", 0, ({ peakRssBytes }) => peakRssBytes / 1e6);
export const time = metric("ms", "ms", 1, ({ seconds }) => 1000 * seconds);
export const slowest = metric("p99 ms", "ms", 1, ({ p99Seconds }) => 1000 * p99Seconds);
export const firstBatch = metric("first batch ms", "ms", 1, ({ firstBatchSeconds }) => 1000 * firstBatchSeconds);
export const cpuTime = metric("CPU ms", "ms", 1, ({ cpuSeconds }) => 1000 * cpuSeconds);

/** How long timers and other requests waited for the event loop. */
export const longestGap = metric("gap ms", "ms", 0, ({ longestGapSeconds = Number.NaN }) => 1000 * longestGapSeconds);
export const p99Gap = metric("p99 gap ms", "ms", 0, ({ p99GapSeconds = Number.NaN }) => 1000 * p99GapSeconds);
/** ms that they should wait at the most, in 99 of 100 cases. */
export const MAX_P99_GAP = 50;

export const drainMetrics = [speed, cpu, memory] as const;
