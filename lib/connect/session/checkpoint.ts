/**
 * A frame that Spark keeps, partition by partition as the query made it:
 *
 *   local     on the executors' disks, without a copy: what one of them had is lost with it
 *   reliable  in the directory spark.checkpoint.dir, which outlives executors. Used if the server has one, and removes what it
 *             kept there (spark.cleaner.referenceTracking.cleanCheckpoints); else the files would stay for ever
 *
 * It is a checkpoint and not a cached frame (AnalyzePlan.Persist), because Spark's cache belongs to the whole
 * application: it outlives the session, and anybody's write to a table that the frame reads fills it again with other
 * rows, as CLEAR CACHE does.
 *
 * Spark frees a checkpoint when its driver has collected the frame as garbage; no message of the protocol does it sooner
 * (RemoveCachedRemoteRelation drops the name only). So the driver can be asked to collect.
 */
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import type { CachedRemoteRelation } from "../generated/spark-connect_pb.js";
import { isRefusal } from "../rpc/refusal.js";
import type { DataFrame, SparkSession } from "./session.js";

const DISK_ONLY = { useDisk: true, useMemory: false, useOffHeap: false, deserialized: false, replication: 1 };

/** Runs on the driver, while it plans: a projection of rows that are in the plan is computed there. */
const COLLECT_GARBAGE = "SELECT java_method('java.lang.System', 'gc') FROM VALUES (1)";

/** The settings of the server that make a reliable checkpoint possible, and their values. */
export const CHECKPOINT_CONF = "spark.checkpoint.dir";
const CLEAN_CONF = "spark.cleaner.referenceTracking.cleanCheckpoints";

/** What Spark's error is called when a partition of a local checkpoint was lost with its executor. */
export const LOST_CHECKPOINT = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND";

/** The caller that needs checkpoints, and what to use without them: for the error message. */
export interface CheckpointUser {
  readonly name: string;
  /** A sentence. */
  readonly instead: string;
}

export interface CheckpointSettings {
  readonly local: boolean;
  /**
   * Whether all partitions are computed at once, after which Spark has forgotten how they were made. Else those of a local one are
   * computed, and kept, by the first query that reads them, and only the stages before the last one run here, which are the
   * shuffles of an adaptive plan: so the server's name for it, without which nothing can be removed, is known before most of the
   * work. A reliable one is always made at once, since Spark would compute the frame twice otherwise; if it is cancelled, the
   * driver collects it as garbage.
   */
  readonly eager: boolean;
  readonly user: CheckpointUser;
}

export class Checkpoint {
  /** The checkpointed frame. */
  readonly frame: DataFrame;
  readonly local: boolean;
  readonly #relation: CachedRemoteRelation;

  private constructor(source: DataFrame, relation: CachedRemoteRelation, local: boolean) {
    this.#relation = relation;
    this.local = local;
    const value = { relationId: relation.relationId };
    this.frame = source.withPlan(async () => ({ relType: { case: "cachedRemoteRelation", value } }));
  }

  /** @throws SparkStreamError QUERY_FAILED, UNSUPPORTED if the server makes none; an AbortError after an abort */
  static async of(
    dataFrame: DataFrame,
    { local, eager, user }: CheckpointSettings,
    options: RunOptions,
  ): Promise<Checkpoint> {
    const relation = await dataFrame.relation(options);
    const checkpointCommand = local
      ? { relation, local, eager, storageLevel: DISK_ONLY }
      : { relation, local, eager: true };
    const command = { commandType: { case: "checkpointCommand" as const, value: checkpointCommand } };
    const answers = await dataFrame.session.client
      .command({ opType: { case: "command", value: command } }, options)
      .catch((error) => Promise.reject(isRefusal(error) ? noCheckpoints(user, error) : error));
    for (const { responseType } of answers) {
      if (responseType.case === "checkpointCommandResult" && responseType.value.relation) {
        return new Checkpoint(dataFrame, responseType.value.relation, local);
      }
    }
    throw noCheckpoints(user);
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

/** Whether a reliable checkpoint is possible, and will be cleaned up. @throws SparkStreamError; an AbortError after an abort */
export async function hasCheckpointDirectory(session: SparkSession, { signal }: RunOptions): Promise<boolean> {
  try {
    const keys = [CHECKPOINT_CONF, CLEAN_CONF];
    const pairs = await session.client.config({ case: "getOption", value: { keys } }, { signal });
    const [directory, clean] = keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
    return Boolean(directory) && clean === "true";
  } catch (error) {
    // A hosted server may refuse to name a setting.
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Whether a server of this version may make checkpoints. */
export function knowsCheckpoints(version: string): boolean {
  return Number.parseInt(version, 10) >= 4;
}

function noCheckpoints({ name, instead }: CheckpointUser, cause?: Error): SparkStreamError {
  const reason = cause ? ` (${cause.message})` : "";
  const message = `${name} needs checkpoints, which Spark supports since 4.0, and this server does not make them${reason}. ${instead}`;
  return new SparkStreamError("UNSUPPORTED", message, { cause });
}
