/** What a server tells of a query besides its rows: how far its tasks are, and what they counted. */
import type {
  ExecutePlanResponse,
  ExecutePlanResponse_ExecutionProgress,
} from "../connect/generated/spark-connect_pb.js";
import { type LiteralValue, literalValue } from "./literal-value.js";

/** How far the tasks of a query are; the argument of a stream's "progress" event. */
export interface StreamProgress {
  /** Of all stages that Spark knows of so far; more may come. */
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
export type ObservedMetrics = Readonly<Record<string, Readonly<Record<string, LiteralValue | undefined>>>>;

/** Collects both, as the responses pass by. */
export class ResultReport {
  readonly #watchers: ((progress: () => StreamProgress) => void)[] = [];
  #operators: readonly OperatorMetrics[] = [];
  #observed: ObservedMetrics = {};

  /** Empty until the query has ended. */
  get operators(): readonly OperatorMetrics[] {
    return this.#operators;
  }

  /** Empty until the query has ended. */
  get observed(): ObservedMetrics {
    return this.#observed;
  }

  /** Calls for each progress message, which is made when it is asked for. */
  watch(watcher: (progress: () => StreamProgress) => void): void {
    this.#watchers.push(watcher);
  }

  /** Passes a progress message on. */
  tell(progress: () => StreamProgress): void {
    for (const watcher of this.#watchers) watcher(progress);
  }

  take({ responseType, metrics, observedMetrics }: ExecutePlanResponse): void {
    if (responseType.case === "executionProgress") {
      const { value } = responseType;
      this.tell(() => progressOf(value));
    }
    const observed: Record<string, Record<string, LiteralValue | undefined>> = {};
    for (const { name, keys, values } of observedMetrics) {
      // Two observations may have one name, and so may two of their expressions.
      observed[name] ??= {};
      const found = observed[name];
      for (const [index, literal] of values.entries()) {
        const key = keys[index];
        const free = key !== undefined && !Object.hasOwn(found, key) ? key : nextFree(found, index);
        found[free] = literalValue(literal);
        if (found[free] === undefined) warnOfUnread(`${name}.${key ?? index}`, literal.literalType.case);
      }
    }
    this.#observed = { ...this.#observed, ...observed };
    if (metrics && metrics.metrics.length > 0) {
      this.#operators = metrics.metrics.map(({ name, planId, parent, executionMetrics }) => ({
        name,
        id: Number(planId),
        parent: Number(parent),
        metrics: Object.fromEntries(
          Object.values(executionMetrics).map((metric) => [
            metric.name,
            { value: Number(metric.value), type: metric.metricType },
          ]),
        ),
      }));
    }
  }
}

function nextFree(taken: object, from: number): string {
  for (let index = from; ; index++) if (!Object.hasOwn(taken, String(index))) return String(index);
}

function warnOfUnread(what: string, type = "unknown"): void {
  const message = `df.observe(): the value of ${JSON.stringify(what)} is undefined here, since its type (${type}) is not read. Cast it to a string.`;
  process.emitWarning(message, { type: "SparkStreamWarning", code: "UNREAD_OBSERVATION" });
}

function progressOf({ stages, numInflightTasks }: ExecutePlanResponse_ExecutionProgress): StreamProgress {
  const found = stages.map((stage) => ({
    id: Number(stage.stageId),
    tasks: Number(stage.numTasks),
    completedTasks: Number(stage.numCompletedTasks),
    inputBytes: Number(stage.inputBytesRead),
    done: stage.done,
  }));
  const sum = (key: "tasks" | "completedTasks" | "inputBytes") => found.reduce((total, stage) => total + stage[key], 0);
  return {
    tasks: sum("tasks"),
    completedTasks: sum("completedTasks"),
    runningTasks: Number(numInflightTasks),
    inputBytes: sum("inputBytes"),
    stages: found,
  };
}
