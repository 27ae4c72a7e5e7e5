import type { ObservedMetrics, OperatorMetrics, SourceReport } from "./source-report.js";

/** What a stream has done: so far, or in all once it is over. */
export interface StreamMetrics {
  readonly rows: number;
  readonly batches: number;
  /** Of Arrow data, as it travelled. */
  readonly bytes: number;
  /** ms that the consumer waited for a batch, and that a batch waited for the consumer. */
  readonly waitedForSourceMs: number;
  readonly waitedForConsumerMs: number;
  /** Spark's own, operator by operator; empty if the query did not end, or the rows are not of a DataFrame. */
  readonly operators: readonly OperatorMetrics[];
  /** What `df.observe()` counted; empty as long as the query has not ended. */
  readonly observed: ObservedMetrics;
}

/** Counts for {@link StreamMetrics}. */
export class StreamCounts {
  rows = 0;
  batches = 0;
  bytes = 0;
  #sourceMs = 0;
  #consumerMs = 0;
  /** Since when, and for whom. */
  #since = 0;
  #waits: "source" | "consumer" | undefined;

  waitFor(whom: "source" | "consumer" | undefined): void {
    const now = performance.now();
    if (this.#waits === "source") this.#sourceMs += now - this.#since;
    if (this.#waits === "consumer") this.#consumerMs += now - this.#since;
    this.#waits = whom;
    this.#since = now;
  }

  snapshot(report: SourceReport | undefined): StreamMetrics {
    if (this.#waits) this.waitFor(this.#waits);
    const { rows, batches, bytes } = this;
    return {
      rows,
      batches,
      bytes,
      waitedForSourceMs: this.#sourceMs,
      waitedForConsumerMs: this.#consumerMs,
      operators: report?.operators ?? [],
      observed: report?.observed ?? {},
    };
  }
}
