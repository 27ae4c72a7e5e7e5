/**
 * A frame that Spark keeps as a checkpoint, partition by partition as the query made it:
 *
 *   local     on the executors' disks, without a copy: what one of them had is lost with it
 *   reliable  in the directory spark.checkpoint.dir, which outlives executors. Used if the server has one, and removes what it
 *             kept there (spark.cleaner.referenceTracking.cleanCheckpoints); else the files would stay for ever
 *
 * It is a checkpoint and not a cached frame (AnalyzePlan.Persist), because Spark's cache belongs to the whole
 * application: it outlives the session, and anybody's write to a table that the frame reads fills it again with other
 * rows, as CLEAR CACHE does. A sealed checkpoint has forgotten how it was made: if a disk is lost, reading it fails.
 *
 * Spark frees a checkpoint when its driver has collected the frame as garbage; no message of the protocol does it sooner
 * (RemoveCachedRemoteRelation drops the name only). So the driver can be asked to collect.
 */

import type { CachedRemoteRelation } from "../../connect/generated/spark-connect_pb.js";
import { isRefusal } from "../../connect/rpc/refusal.js";
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { countPartitions, numbered } from "./count-partitions.js";
import type { KeptFrame } from "./kept-frame.js";
import type { StagedPartition } from "./partition-windows.js";

/** What to use if a server has no checkpoints. */
export const INSTEAD =
  'Name storage that Spark\'s driver and executors share, staged: { path: "s3a://bucket/tmp" } or staged: { table: "tmp.staged" }, or use delivery: "result".';

const DISK_ONLY = { useDisk: true, useMemory: false, useOffHeap: false, deserialized: false, replication: 1 };

/** Runs on the driver, while it plans: a projection of rows that are in the plan is computed there. */
const COLLECT_GARBAGE = "SELECT java_method('java.lang.System', 'gc') FROM VALUES (1)";

/** The settings of the server that make a reliable checkpoint possible, and their values. */
const DIRECTORY_CONF = "spark.checkpoint.dir";
const CLEAN_CONF = "spark.cleaner.referenceTracking.cleanCheckpoints";

export class Checkpoint implements KeptFrame {
  readonly rescans = true;
  readonly mostPerQuery = Number.POSITIVE_INFINITY;
  /** The checkpointed frame. If it is local, its partitions are computed, and kept, by the first query that reads them. */
  readonly frame: DataFrame;
  readonly #local: boolean;
  readonly #relation: CachedRemoteRelation;

  private constructor(source: DataFrame, relation: CachedRemoteRelation, local: boolean) {
    this.#relation = relation;
    this.#local = local;
    const value = { relationId: relation.relationId };
    this.frame = source.withPlan(async () => ({ relType: { case: "cachedRemoteRelation", value } }));
  }

  /**
   * For a local checkpoint only the stages before the last one run here, which are the shuffles of an adaptive plan. So the
   * server's name for it, without which nothing can be removed, is known before most of the work. A reliable one is made as a
   * whole, since Spark would compute the frame twice otherwise; if it is cancelled, the driver collects it as garbage.
   *
   * @throws SparkStreamError QUERY_FAILED; an AbortError after an abort
   */
  static async of(dataFrame: DataFrame, options: RunOptions): Promise<Checkpoint> {
    const { session } = dataFrame;
    const local = !(await hasCheckpointDirectory(session, options));
    const relation = await dataFrame.relation(options);
    const checkpointCommand = local
      ? { relation, local, eager: false, storageLevel: DISK_ONLY }
      : { relation, local, eager: true };
    const command = { commandType: { case: "checkpointCommand" as const, value: checkpointCommand } };
    const answers = await session.client
      .command({ opType: { case: "command", value: command } }, options)
      .catch((error) => Promise.reject(isRefusal(error) ? noCheckpoints(error) : error));
    for (const { responseType } of answers) {
      if (responseType.case === "checkpointCommandResult" && responseType.value.relation) {
        return new Checkpoint(dataFrame, responseType.value.relation, local);
      }
    }
    throw noCheckpoints();
  }

  async partitions(options: RunOptions): Promise<StagedPartition[]> {
    const partitions = await countPartitions(await numbered(this.frame, options), "spark_partition_id()", options);
    if (this.#local) await this.#seal(options);
    return partitions;
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
  async #seal(options: RunOptions): Promise<void> {
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

async function hasCheckpointDirectory({ client }: DataFrame["session"], { signal }: RunOptions): Promise<boolean> {
  try {
    const keys = [DIRECTORY_CONF, CLEAN_CONF];
    const pairs = await client.config({ case: "getOption", value: { keys } }, { signal });
    const [directory, clean] = keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
    return Boolean(directory) && clean === "true";
  } catch (error) {
    // A hosted server may refuse to name a setting.
    if (isRefusal(error)) return false;
    throw error;
  }
}

function noCheckpoints(cause?: Error): SparkStreamError {
  const reason = cause ? ` (${cause.message})` : "";
  const message = `delivery: "staged" needs checkpoints, which Spark supports since 4.0, and this server does not make them${reason}. ${INSTEAD}`;
  return new SparkStreamError("UNSUPPORTED", message, { cause });
}
