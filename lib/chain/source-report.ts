/** The types of a row source's report: the progress of a query, and the metrics of its tasks. */

/** The progress of a query's tasks; the argument of a stream's "progress" event. */
export interface StreamProgress {
  /** The number of tasks in all stages that Spark knows so far; more may follow. */
  readonly tasks: number;
  readonly completedTasks: number;
  readonly runningTasks: number;
  /** Bytes that the tasks have read from files and tables. */
  readonly inputBytes: number;
  readonly stages: readonly StageProgress[];
}

export interface StageProgress {
  readonly id: number;
  readonly tasks: number;
  readonly completedTasks: number;
  readonly inputBytes: number;
  readonly done: boolean;
}

/** A staged partition that alone is over the budget of a window; the argument of a stream's "largePartition" event. */
export interface LargePartition {
  readonly partition: number;
  readonly rows: number;
  /** Bytes of Arrow data. */
  readonly bytes: number;
  readonly windowBytes: number;
}

/** Spark's own metrics of one operator of the plan. */
export interface OperatorMetrics {
  /** The operator's name, such as "Range" or "Filter". */
  readonly name: string;
  readonly id: number;
  /** The operator above it. */
  readonly parent: number;
  /** Metrics by name, such as "number of output rows"; `type` is the kind of value ("sum", "timing", "size" …). */
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly type: string }>>;
}

/**
 * The values that `df.observe()` computed, by the observation's name and then by the names of its expressions. An
 * expression is named by its position ("0", "1") if the one before it has the same name, or if the server sends no
 * names, as Spark 3.5.
 */
export type ObservedMetrics = Readonly<Record<string, Readonly<Record<string, ObservedValue | undefined>>>>;

/** The type of a value that `df.observe()` computed; the same as in `rows()`. */
export type ObservedValue = null | boolean | number | bigint | string | Uint8Array | readonly ObservedValue[];

/** The report of a row source, as a stream reads it. */
export interface SourceReport {
  /** Empty until the query has ended. */
  readonly operators: readonly OperatorMetrics[];
  /** Empty until the query has ended. */
  readonly observed: ObservedMetrics;
  /** Calls the watcher for each progress message, with a function that decodes it. */
  watch(watcher: (progress: () => StreamProgress) => void): void;
}
