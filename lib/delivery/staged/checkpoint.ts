/**
 * A frame that Spark keeps on its executors' disks: a local checkpoint, partition by partition as the query made it.
 *
 * It is a checkpoint and not a cached frame (AnalyzePlan.Persist), because Spark's cache belongs to the whole
 * application: it outlives the session, and anybody's write to a table that the frame reads fills it again with other
 * rows, as CLEAR CACHE does. A sealed checkpoint has forgotten how it was made: if a disk is lost, reading it fails.
 *
 * Spark frees a checkpoint when its driver has collected the frame as garbage; no message of the protocol does it sooner
 * (RemoveCachedRemoteRelation drops the name only). So the driver can be asked to collect.
 */

import type { CachedRemoteRelation } from "../../connect/generated/spark-connect_pb.js";
import type { DataFrame } from "../../connect/session/session.js";
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import type { StagedPartition } from "./partition-windows.js";

const DISK_ONLY = { useDisk: true, useMemory: false, useOffHeap: false, deserialized: false, replication: 1 };

/** Runs on the driver, while it plans: a projection of rows that are in the plan is computed there. */
const COLLECT_GARBAGE = "SELECT java_method('java.lang.System', 'gc') FROM VALUES (1)";

export class Checkpoint {
  /** The checkpointed frame. Its partitions are computed, and kept, by the first query that reads them. */
  readonly frame: DataFrame;
  readonly #relation: CachedRemoteRelation;

  private constructor(source: DataFrame, relation: CachedRemoteRelation) {
    this.#relation = relation;
    const value = { relationId: relation.relationId };
    this.frame = source.withPlan(async () => ({ relType: { case: "cachedRemoteRelation", value } }));
  }

  /**
   * Only what precedes the last stage runs here, which is the shuffles of an adaptive plan. So the server's name for it,
   * without which nothing can be removed, is known before most of the work.
   *
   * @throws SparkStreamError QUERY_FAILED; an AbortError after an abort
   */
  static async of(dataFrame: DataFrame, options: RunOptions): Promise<Checkpoint> {
    const { session } = dataFrame;
    const checkpointCommand = {
      relation: await dataFrame.relation(options),
      local: true,
      eager: false,
      storageLevel: DISK_ONLY,
    };
    const command = { commandType: { case: "checkpointCommand" as const, value: checkpointCommand } };
    const answers = await session.client
      .command({ opType: { case: "command", value: command } }, options)
      .catch((error) => Promise.reject(isRefusalWithoutClass(error) ? noCheckpoints(error) : error));
    for (const { responseType } of answers) {
      if (responseType.case === "checkpointCommandResult" && responseType.value.relation) {
        return new Checkpoint(dataFrame, responseType.value.relation);
      }
    }
    throw noCheckpoints();
  }

  /** The rows of these partitions: directly on the checkpoint, so that the partition of a task is that of the checkpoint. */
  rowsOf(partitions: readonly StagedPartition[]): DataFrame {
    if (partitions.length === 0) return this.frame.where("false");
    return this.frame.where(`spark_partition_id() IN (${partitions.map(({ id }) => id).join(", ")})`);
  }

  /**
   * Makes Spark forget how the partitions were made, once all exist. It does so when a job that is the driver's own
   * has ended, which that of a result is not, but the one for the first row that `show` prints.
   */
  async seal(options: RunOptions): Promise<void> {
    const input = await this.frame.select("1").relation(options);
    const value = { input, numRows: 1, truncate: 1 };
    await this.frame.withPlan(async () => ({ relType: { case: "showString", value } })).execute(options);
  }

  /**
   * Drops it on the server. Never rejects: a server out of reach drops it with the session.
   *
   * @param collectGarbage asks the driver to collect, or else the disks are freed when it does so by itself: after 30
   *   minutes at the latest (spark.cleaner.periodicGC.interval). A site may forbid the function for it.
   */
  async remove(collectGarbage: boolean): Promise<void> {
    const command = {
      commandType: { case: "removeCachedRemoteRelationCommand" as const, value: { relation: this.#relation } },
    };
    const { session } = this.frame;
    try {
      await session.client.command({ opType: { case: "command", value: command } });
      if (collectGarbage) await session.sql(COLLECT_GARBAGE).execute();
    } catch {
      // Said above.
    }
  }
}

function noCheckpoints(cause?: Error): SparkStreamError {
  const reason = cause ? ` (${cause.message})` : "";
  const message = `delivery: "staged" needs checkpoints, which Spark supports since 4.0, and this server does not make them${reason}. Use delivery: "result".`;
  return new SparkStreamError("UNSUPPORTED", message, { cause });
}
