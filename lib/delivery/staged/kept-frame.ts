import type { DataFrame } from "../../connect/session/session.js";
import type { RunOptions } from "../../runtime/call-options.js";
import type { StagedPartition } from "./partition-windows.js";

/** The rows of a frame, computed once and kept by Spark: as a checkpoint, or as files or a table on shared storage. */
export interface KeptFrame {
  /** Whether a query for some partitions reads the others, too, and drops their rows. */
  readonly rescans: boolean;
  /** Partitions that one query may read. */
  readonly mostPerQuery: number;

  /**
   * Computes what is not computed yet, and counts it. From then on the rows cannot change.
   *
   * @returns the non-empty partitions, in order
   */
  partitions(options: RunOptions): Promise<StagedPartition[]>;

  /** The rows of these partitions, in their order, and each partition as one task. */
  rowsOf(partitions: readonly StagedPartition[]): DataFrame;

  /** Removes it on the server. Never rejects. */
  remove(collectGarbage: boolean): Promise<void>;
}
