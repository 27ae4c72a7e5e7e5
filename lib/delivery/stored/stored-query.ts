/**
 * Runs the query itself. Its result has one row per task, which names the files of its partition, as committed by Spark. It is
 * an ordinary execution, with reattaching, progress and errors.
 */
import { IpcDecoder } from "../../chain/ipc-decoder.js";
import { mapInArrow } from "../../connect/python/python-function.js";
import type { DataFrame } from "../../connect/session/session.js";
import { incompleteResult } from "../../errors.js";
import { type QueryOptions, ResultCursor } from "../result/result.js";
import type { ResultReport } from "../result/result-report.js";
import { explainStore, storing } from "./explain-store.js";
import { filesOf, type StoredPartition } from "./stored-file.js";
import { type StoreSettings, storeTask } from "./task-source.js";

export class StoredQuery {
  readonly #cursor: ResultCursor;

  constructor(dataFrame: DataFrame, settings: StoreSettings, options: QueryOptions, report: ResultReport) {
    this.#cursor = new ResultCursor(mapInArrow(dataFrame, storeTask(settings), storing), options, report);
  }

  /**
   * The partitions, as their tasks end. Spark itself reports a task only after those of all partitions before it; for a server
   * that does not, they are held back here if their order counts.
   *
   * @throws SparkStreamError the query's error; STORE_FAILED if a task could not write; INCOMPLETE_RESULT
   */
  async *partitions(order: "partition" | "arrival"): AsyncGenerator<StoredPartition, void> {
    const early = new Map<number, StoredPartition>();
    const seen = new Set<number>();
    let next = 0;
    for await (const partition of this.#reported()) {
      if (seen.has(partition.id)) throw incompleteResult(`Partition ${partition.id} has come twice`);
      seen.add(partition.id);
      if (order === "arrival") yield partition;
      else early.set(partition.id, partition);
      for (let found = early.get(next); found; found = early.get(next)) {
        early.delete(next++);
        yield found;
      }
    }
    for (let id = 0; id < seen.size; id++) {
      if (!seen.has(id)) throw incompleteResult(`Spark has reported nothing about partition ${id}`);
    }
  }

  async *#reported(): AsyncGenerator<StoredPartition, void> {
    const decoder = new IpcDecoder();
    let count = 0;
    try {
      for (let row = await this.#cursor.next(); row; row = await this.#cursor.next()) {
        if (row.startOffset !== undefined && row.startOffset !== count) {
          throw incompleteResult("Rows of its tasks are missing");
        }
        for (const batch of await decoder.decode(row)) {
          count += batch.numRows;
          for (const { partition, files } of batch) yield { id: partition, files: filesOf(files) };
        }
      }
    } catch (error) {
      throw explainStore(error);
    }
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }
}
