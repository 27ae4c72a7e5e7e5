import type { ObservedMetrics, OperatorMetrics, SourceReport } from "./source-report.js";

/** The metrics of a stream: so far, or in total once it is over. */
export interface StreamMetrics {
  readonly rows: number;
  readonly batches: number;
  /** Bytes of Arrow data, as received. */
  readonly bytes: number;
  /** How long, in ms, the consumer waited for a batch, and a batch for the consumer. */
  readonly waitedForSourceMs: number;
  readonly waitedForConsumerMs: number;
  /** Spark's own metrics per operator; empty if the query did not end, or the rows do not come from a DataFrame. */
  readonly operators: readonly OperatorMetrics[];
  /** The values that `df.observe()` computed; empty until the query has ended. */
  readonly observed: ObservedMetrics;
}

/** Counts for {@link StreamMetrics}. */
export class StreamCounts {
  rows = 0;
  batches = 0;
  bytes = 0;
  #sourceMs = 0;
  #consumerMs = 0;
  /** When the current wait began, and whom the stream waits for. */
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
