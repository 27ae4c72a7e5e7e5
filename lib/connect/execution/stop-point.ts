/**
 * When an execution can be interrupted so that nothing of it goes on. Spark's interrupt cancels the jobs that there are, and
 * adaptive execution submits those that it was about to a moment later, from a thread that nobody stops: while Spark plans,
 * between two jobs, and when the jobs of two branches begin one after the other. So the moment has to be chosen:
 *
 *   rows have come                                        they are of the last job: any moment will do
 *   a stage runs, and no other has begun for STEADY ms    now
 *   else                                                  not yet
 *
 * What is left is the chance that the next job begins in just this moment. A session that was joined keeps its own interval,
 * two seconds by default: there it takes up to four seconds to know of such a moment.
 */
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";

/** How often Spark reports a query's progress, for sessions made here. Its own two seconds are long for a stop that waits. */
export const PROGRESS_CONF = { "spark.connect.progress.reportInterval": "200ms" } as const;

/** ms; less than the interval between two progress messages, so that the second message that says the same will do. */
const STEADY = 150;

export class StopPoint {
  #lastJobRuns = false;
  #stages = "";
  #since = 0;

  /** Whether any moment will do. */
  get always(): boolean {
    return this.#lastJobRuns;
  }

  /** Takes note of a response that has just arrived. Returns whether this is the moment. */
  observe({ responseType }: ExecutePlanResponse): boolean {
    this.#lastJobRuns ||= responseType.case === "arrowBatch" || responseType.case === "resultComplete";
    if (this.#lastJobRuns || responseType.case !== "executionProgress") return this.#lastJobRuns;
    const { stages } = responseType.value;
    const ids = stages.map(({ stageId }) => stageId).join();
    if (ids !== this.#stages) [this.#stages, this.#since] = [ids, performance.now()];
    return stages.some(({ done }) => !done) && performance.now() - this.#since >= STEADY;
  }
}
