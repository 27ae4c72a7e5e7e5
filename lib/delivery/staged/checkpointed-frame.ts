/** A staged frame as a checkpoint: Spark keeps each partition as the query made it. */
import { Checkpoint, type CheckpointUser, hasCheckpointDirectory } from "../../connect/session/checkpoint.js";
import type { DataFrame } from "../../connect/session/session.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { countPartitions, numbered, sumPartitions } from "./count-partitions.js";
import type { KeptFrame } from "./kept-frame.js";
import type { StagedPartition } from "./partition-windows.js";

/** What to use if a server has no checkpoints. */
export const INSTEAD =
  'Name storage that Spark\'s driver and executors share, staged: { path: "s3a://bucket/tmp" } or staged: { table: "tmp.staged" }, or use delivery: "result".';

const user: CheckpointUser = { name: 'delivery: "staged"', instead: INSTEAD };

export class CheckpointedFrame implements KeptFrame {
  readonly rescans = true;
  readonly mostPerQuery = Number.POSITIVE_INFINITY;
  readonly #checkpoint: Checkpoint;
  readonly #isPacked: boolean;

  private constructor(checkpoint: Checkpoint, isPacked: boolean) {
    this.#checkpoint = checkpoint;
    this.#isPacked = isPacked;
  }

  /**
   * @param isPacked whether the frame's rows are packed; see packed-rows.ts
   * @throws SparkStreamError QUERY_FAILED; an AbortError after an abort
   */
  static async of(dataFrame: DataFrame, options: RunOptions, isPacked = false): Promise<CheckpointedFrame> {
    const local = !(await hasCheckpointDirectory(dataFrame.session, options));
    return new CheckpointedFrame(await Checkpoint.of(dataFrame, { local, eager: false, user }, options), isPacked);
  }

  get frame(): DataFrame {
    return this.#checkpoint.frame;
  }

  async partitions(options: RunOptions): Promise<StagedPartition[]> {
    const partitions = await this.#count(options);
    if (this.#checkpoint.local) await this.#seal(options);
    return partitions;
  }

  async #count(options: RunOptions): Promise<StagedPartition[]> {
    const id = "spark_partition_id()";
    if (!this.#isPacked) return await countPartitions(await numbered(this.frame, options), id, options);
    const sizes = this.frame.select(`${id} AS id`, "rows", "octet_length(arrow_ipc_bytes) AS bytes");
    return await sumPartitions(sizes, options);
  }

  /** The rows of these partitions: directly on the checkpoint, so that the partition of a task is that of the checkpoint. */
  rowsOf(partitions: readonly StagedPartition[]): DataFrame {
    if (partitions.length === 0) return this.frame.where("false");
    return this.frame.where(`spark_partition_id() IN (${partitions.map(({ id }) => id).join(", ")})`);
  }

  /**
   * Makes Spark forget how the partitions were made, once all exist: if a disk is lost, reading it fails. It does so when a job that
   * is the driver's own has ended, which that of a result is not, but the one for the first row that `show` prints.
   */
  async #seal(options: RunOptions): Promise<void> {
    const input = await this.frame.select("1").relation(options);
    const value = { input, numRows: 1, truncate: 1 };
    await this.frame.withPlan(async () => ({ relType: { case: "showString", value } })).execute(options);
  }

  async remove(collectGarbage: boolean): Promise<void> {
    await this.#checkpoint.remove(collectGarbage);
  }
}
