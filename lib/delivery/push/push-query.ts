/**
 * Runs the query itself. Its result has one row per task: the totals of its partition, as committed by Spark. It is an
 * ordinary execution, with reattaching, progress and errors.
 */
import { IpcDecoder } from "../../chain/ipc-decoder.js";
import { mapInArrow } from "../../connect/python/python-function.js";
import type { DataFrame } from "../../connect/session/session.js";
import { incompleteResult } from "../../errors.js";
import { explainTask } from "../../tasks/explain-task.js";
import { type QueryOptions, ResultCursor } from "../result/result.js";
import type { ResultReport } from "../result/result-report.js";
import { pushing } from "./purpose.js";
import type { PushedPartition } from "./pushed-partition.js";
import { type PushSettings, pushTask } from "./task-source.js";
import { nothing, sameTotals, type Totals } from "./totals.js";

/** The totals of a partition, as its task reports them. */
interface Committed extends Totals {
  readonly attempt: number;
}

export class PushQuery {
  readonly #cursor: ResultCursor;
  readonly #committed = new Map<number, Committed>();

  constructor(dataFrame: DataFrame, settings: PushSettings, options: QueryOptions, report: ResultReport) {
    this.#cursor = new ResultCursor(mapInArrow(dataFrame, pushTask(settings), pushing), options, report);
  }

  /**
   * Resolves when Spark reports that all tasks have succeeded.
   *
   * @throws SparkStreamError the query's error; UNREACHABLE if a task could not connect, or lost its connection
   */
  async run(): Promise<void> {
    const decoder = new IpcDecoder();
    let rows = 0;
    try {
      for (let row = await this.#cursor.next(); row; row = await this.#cursor.next()) {
        if (row.startOffset !== undefined && row.startOffset !== rows)
          throw incompleteResult("Rows of its tasks are missing");
        for (const batch of await decoder.decode(row)) {
          rows += batch.numRows;
          for (const { partition, attempt, rows, batches, bytes, digest } of batch) {
            if (this.#committed.has(partition)) throw incompleteResult(`Partition ${partition} has come twice`);
            this.#committed.set(partition, {
              attempt,
              rows: Number(rows),
              batches: Number(batches),
              bytes: Number(bytes),
              digest: Number(batches) === 0 ? nothing.digest : Buffer.from(digest).toString("hex"),
            });
          }
        }
      }
    } catch (error) {
      throw explainTask(error, pushing);
    }
  }

  /**
   * Compares the totals that the tasks report with the batches that arrived.
   *
   * @throws SparkStreamError INCOMPLETE_RESULT
   */
  check(partitions: ReadonlyMap<number, PushedPartition>): void {
    for (let id = 0; id < Math.max(this.#committed.size, partitions.size); id++) {
      const [told, found] = [this.#committed.get(id), partitions.get(id)];
      if (!told || !found)
        throw incompleteResult(
          `Nothing has arrived from ${told ? `the task of partition ${id}` : `Spark about partition ${id}`}`,
        );
      if (!found.completeBy.has(told.attempt) || !sameTotals(found.totals, told)) {
        const { rows, batches } = found.totals;
        throw incompleteResult(
          `Partition ${id}: ${rows} rows in ${batches} batches arrived (attempt ${[...found.completeBy]}), but its task sent ${told.rows} rows in ${told.batches} (attempt ${told.attempt})`,
        );
      }
    }
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }
}
