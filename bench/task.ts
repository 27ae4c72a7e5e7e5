/** What a contender is told, and what it tells: JSON, in the environment and on the last line of its output. */

/** A query to run, and where; in the environment as BENCH_TASK. */
export interface Task {
  /** `sc://host:port` */
  readonly url: string;
  readonly token?: string;
  /** A recorded answer names the session that it was made for, so its readers must be in that session. */
  readonly sessionId: string;
  /** Of this package's contenders: makes a session that nobody else knows, whatever `sessionId` says. */
  readonly ownSession?: boolean;
  readonly query: string;
  /** How often a process drains the result; the last times count. From 3 or so on, its code is compiled and warm. */
  readonly passes: number;
  /** How many of the passes count. Default: 1. */
  readonly samples?: number;
  /** How many of those that count run at a time. Default: 1. */
  readonly concurrency?: number;
  /** Of this package's streams. Default: "result". */
  readonly delivery?: "result" | "staged" | "push" | "stored";
  /** For the memory benchmark. */
  readonly sink?: Sink;
}

/** Where batches go: nowhere; nowhere, slowly at first; a file. */
export type Sink = "null" | "slow" | "parquet" | "csv" | "ndjson";

/** One run of one contender, by its own account. A pass lasts from before the query is sent to after its last row. */
export interface Measurement {
  /** Of one pass. */
  readonly rows: number;
  readonly batches: number;
  /** Medians over the passes that count; the least and the 99th percentile of their times. */
  readonly seconds: number;
  readonly fastestSeconds: number;
  readonly p99Seconds: number;
  readonly firstBatchSeconds: number;
  /** From the beginning of the first pass that counts to the end of the last. */
  readonly wallSeconds: number;
  /** Per pass; of the whole process, all threads, user and system. */
  readonly cpuSeconds: number;
  /** The most memory that the process ever had, bytes. */
  readonly peakRssBytes: number;
  /** Between two turns of the event loop: the longest, and the 99th percentile. Of Node's contenders only. */
  readonly longestGapSeconds?: number;
  readonly p99GapSeconds?: number;
}
