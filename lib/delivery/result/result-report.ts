import type {
  ObservedMetrics,
  ObservedValue,
  OperatorMetrics,
  SourceReport,
  StreamProgress,
} from "../../chain/source-report.js";
import type {
  ExecutePlanResponse,
  ExecutePlanResponse_ExecutionProgress,
} from "../../connect/generated/spark-connect_pb.js";
import { literalValue } from "./literal-value.js";

/** Collects the progress and the metrics of one query from its responses. */
export class ResultReport implements SourceReport {
  readonly #watchers: ((progress: () => StreamProgress) => void)[] = [];
  #operators: readonly OperatorMetrics[] = [];
  #observed: ObservedMetrics = {};

  get operators(): readonly OperatorMetrics[] {
    return this.#operators;
  }

  get observed(): ObservedMetrics {
    return this.#observed;
  }

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
    const observed: Record<string, Record<string, ObservedValue | undefined>> = {};
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
  const message = `df.observe(): the value of ${JSON.stringify(what)} is undefined, since its type (${type}) is not supported. Cast it to a string.`;
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
