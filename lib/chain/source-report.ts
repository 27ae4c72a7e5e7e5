/** What a source of rows may report besides its rows: how far a query is, and what its tasks counted. */

/** How far the tasks of a query are; the argument of a stream's "progress" event. */
export interface StreamProgress {
  /** Tasks of all stages that Spark knows so far; more may follow. */
  readonly tasks: number;
  readonly completedTasks: number;
  readonly runningTasks: number;
  /** Read by the tasks from files and tables. */
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

/** Spark's own metrics of one operator of the plan. */
export interface OperatorMetrics {
  /** Such as "Range" or "Filter". */
  readonly name: string;
  readonly id: number;
  /** The operator above it. */
  readonly parent: number;
  /** By their names, such as "number of output rows"; `type` says what the value counts ("sum", "timing", "size" …). */
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly type: string }>>;
}

/**
 * What `df.observe()` counted: by the observation's name, and then by those of its expressions. An expression has its position
 * ("0", "1") for a name if the one before it has the same name, or the server sends no names, as Spark 3.5.
 */
export type ObservedMetrics = Readonly<Record<string, Readonly<Record<string, ObservedValue | undefined>>>>;

/** The type of a value that `df.observe()` computed; the same as in `rows()`. */
export type ObservedValue = null | boolean | number | bigint | string | Uint8Array | readonly ObservedValue[];

/** What a stream reads of its source's report. */
export interface SourceReport {
  /** Empty until the query has ended. */
  readonly operators: readonly OperatorMetrics[];
  /** Empty until the query has ended. */
  readonly observed: ObservedMetrics;
  /** The watcher is called for each progress message, with a function that decodes it. */
  watch(watcher: (progress: () => StreamProgress) => void): void;
}
