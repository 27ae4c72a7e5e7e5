import type { DataFrame } from "../../connect/session/session.js";
import type { StagedPartition } from "./partition-windows.js";

/** The rows of these partitions of a checkpoint: right above it, so that a task's partition is the checkpoint's. */
export function inPartitions(checkpointed: DataFrame, partitions: readonly StagedPartition[]): DataFrame {
  if (partitions.length === 0) return checkpointed.where("false");
  return checkpointed.where(`spark_partition_id() IN (${partitions.map(({ id }) => id).join(", ")})`);
}
