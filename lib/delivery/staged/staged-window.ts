import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { RowCursor } from "../../chain/row-source.js";
import { LOST_CHECKPOINT } from "../../connect/session/checkpoint.js";
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import { type QueryOptions, ResultCursor } from "../result/result.js";
import type { ResultReport } from "../result/result-report.js";
import type { Packing, Unpacker } from "./packed-rows.js";
import { type StagedPartition, totalBytes } from "./partition-windows.js";

/** Where partitions are read from. */
export interface PartitionSource {
  rowsOf(partitions: readonly StagedPartition[]): DataFrame;
}

/**
 * Some partitions of a staged frame, by one query. Each row comes out with its partition and its place in the whole
 * result, and all that were counted must come.
 */
export class StagedWindow implements RowCursor {
  readonly #cursor: ResultCursor;
  readonly #partitions: readonly StagedPartition[];
  readonly #rowOffset: number;
  readonly #unpacker: Unpacker | undefined;
  readonly #unpacked: ArrowIpcRow[] = [];
  /** Which of the partitions is being read, and how many of its rows have come. */
  #index = 0;
  #rows = 0;

  /**
   * @param stage the frame, or the section, that the partitions are of
   * @param rowOffset rows of the result before this window
   */
  constructor(
    stage: PartitionSource,
    partitions: readonly StagedPartition[],
    rowOffset: number,
    options: QueryOptions,
    packing?: Packing,
  ) {
    this.#cursor = new ResultCursor(stage.rowsOf(partitions), options);
    this.#partitions = partitions;
    this.#rowOffset = rowOffset;
    this.#unpacker = packing?.unpacker();
  }

  get report(): ResultReport {
    return this.#cursor.report;
  }

  start(): void {
    this.#cursor.start();
  }

  /** @throws SparkStreamError INCOMPLETE_RESULT, or the error of the query */
  async next(): Promise<ArrowIpcRow | undefined> {
    const row = await this.#pull();
    if (row) return this.#located(row);
    if (this.#index < this.#partitions.length) throw this.#wrongCount();
    return undefined;
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }

  async #pull(): Promise<ArrowIpcRow | undefined> {
    const waiting = this.#unpacked.shift();
    if (waiting) return waiting;
    const row = await this.#cursor.next().catch((error: unknown) => Promise.reject(this.#explained(error)));
    if (!row || !this.#unpacker) return row;
    this.#unpacked.push(...(await this.#unpacker.rowsOf(row)));
    return this.#unpacked.shift();
  }

  /** Spark makes batches per partition, so that all rows of one are of the same. */
  #located(row: ArrowIpcRow): ArrowIpcRow {
    const { rowCount = 0, startOffset } = row;
    const offset = startOffset === undefined ? {} : { startOffset: startOffset + this.#rowOffset };
    const partition = this.#partitions[this.#index];
    if (rowCount === 0) return { ...row, ...offset };
    if (!partition || this.#rows + rowCount > partition.rows) throw this.#wrongCount();
    this.#rows += rowCount;
    if (this.#rows === partition.rows) {
      this.#index++;
      this.#rows = 0;
    }
    return { ...row, ...offset, partition: partition.id };
  }

  #wrongCount(): SparkStreamError {
    const { id, rows } = this.#partitions[Math.min(this.#index, this.#partitions.length - 1)] ?? { id: 0, rows: 0 };
    const message = `Partition ${id} does not have the ${rows} rows that were staged. Run the query again.`;
    return new SparkStreamError("INCOMPLETE_RESULT", message);
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof SparkStreamError)) return error;
    if (error.errorClass === LOST_CHECKPOINT) return lostExecutor(error);
    if (error.code !== "RESULT_TOO_LARGE") return error;
    const [first, ...others] = this.#partitions;
    const advice =
      others.length > 0
        ? `the ${others.length + 1} partitions from ${first?.id} on. Give a smaller staged: { windowBytes }.`
        : `partition ${first?.id} alone. Spread the rows over more partitions: df.repartition(n).`;
    const message = `The driver's spark.driver.maxResultSize is too small for a window of ${totalBytes(this.#partitions)} bytes: ${advice}`;
    return new SparkStreamError("RESULT_TOO_LARGE", message, { cause: error });
  }
}

/** A staged frame is on the disks of single executors, and has no copy. */
function lostExecutor(cause: SparkStreamError): SparkStreamError {
  const { errorClass, sqlState, operationId } = cause;
  const message =
    'A part of the staged frame was lost with an executor: delivery: "staged" keeps it on the executors\' disks. Run it ' +
    'again on storage that outlives executors, staged: { path: "s3a://bucket/tmp" } or staged: { table: "tmp.staged" }, or ' +
    `use delivery: "result" or "push". ${cause.message}`;
  return new SparkStreamError("QUERY_FAILED", message, { cause, errorClass, sqlState, operationId });
}
