/**
 * A frame that was computed once and is kept by Spark, and the sizes of its partitions. Shared by all cursors that read it:
 * with the last of them it is removed, and with the session in any case.
 *
 *   checkpoint  the query is run up to its last stage; from here on there is something to remove
 *   count       one query that computes every partition, has it kept, and counts its rows and bytes
 *   seal        Spark forgets how the partitions were made: later reads return the counted rows, or an error
 *
 *   write       with `path` or `table`: the query writes its rows there
 *   count       one query over what was written
 */

import { knowsCheckpoints } from "../../connect/session/checkpoint.js";
import { explainDisks } from "../../connect/session/explain-disks.js";
import type { QueryConf, QuerySession } from "../../connect/session/query-session.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { StagedOptions } from "../../stream-options.js";
import { observationsOf } from "../observations.js";
import { CheckpointedFrame, INSTEAD } from "./checkpointed-frame.js";
import type { KeptFrame } from "./kept-frame.js";
import type { StagedPartition } from "./partition-windows.js";
import { SharedDirectory, SharedTable } from "./shared-storage.js";

/** Something that reads a staged frame. */
export interface StageUser {
  /** Ends it and has it leave. May be called again. */
  close(): Promise<void>;
}

export interface StagedFrameOptions extends Pick<StagedOptions, "path" | "table"> {
  /** Whether the driver is asked to collect garbage when a checkpoint was removed. */
  collectGarbage: boolean;
  /** Tags of the queries that stage the frame. */
  tags: readonly string[];
  /**
   * Settings of these queries and of those that read the frame. Only its session knows a checkpoint, so with settings all
   * of them run in the same clone.
   */
  conf: QueryConf;
}

/** Options of everything that runs while a frame is staged. */
interface StagingOptions {
  readonly tags: readonly string[];
  readonly signal: AbortSignal;
}

export class StagedFrame {
  /** The non-empty partitions, in order. Rejects if staging fails. */
  readonly partitions: Promise<readonly StagedPartition[]>;
  readonly session: SparkSession;
  readonly options: StagedFrameOptions;
  readonly #dataFrame: DataFrame;
  readonly #users = new Set<StageUser>();
  readonly #stop = new AbortController();
  readonly #forget: () => void;
  readonly #ended: () => void;
  #querySession: QuerySession<SparkSession> | undefined;
  #kept: KeptFrame | undefined;
  #removed: Promise<void> | undefined;

  /** Begins at once. @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: StagedFrameOptions) {
    const { session } = dataFrame;
    session.checkOpen();
    this.#dataFrame = dataFrame;
    this.session = session;
    this.options = options;
    this.#forget = session.beforeClose(async () => {
      await Promise.all([...this.#users].map((user) => user.close()));
    });
    this.#ended = session.client.trackRun(async () => this.#kept?.remove(false));
    this.partitions = this.#stage();
    this.partitions.catch(() => {}); // every cursor gets the error
  }

  join(user: StageUser): void {
    this.#users.add(user);
  }

  /** Resolves when the frame was removed, if this was its last user. */
  async leave(user: StageUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#removed ??= this.#remove();
    await this.#removed;
  }

  /** The rows of these partitions, in their order. */
  rowsOf(partitions: readonly StagedPartition[]): DataFrame {
    return this.#kept!.rowsOf(partitions);
  }

  /** How it can be read. Known once there are `partitions`. */
  get reading(): Pick<KeptFrame, "rescans" | "mostPerQuery"> {
    return this.#kept!;
  }

  async #stage(): Promise<readonly StagedPartition[]> {
    const options = { tags: this.options.tags, signal: this.#stop.signal };
    try {
      await this.#checkCanBeStaged(options);
      const { session } = this.#dataFrame;
      this.#kept = await session.withQuerySession(this.#dataFrame, { conf: this.options.conf }, (querySession) =>
        this.#stageIn(querySession, options),
      );
      options.signal.throwIfAborted();
      return await this.#kept.partitions(options);
    } catch (error) {
      throw explainDisks(error, "the staged frame", 'use delivery: "result"');
    }
  }

  async #stageIn(querySession: QuerySession<SparkSession>, options: StagingOptions): Promise<KeptFrame> {
    this.#querySession = querySession;
    try {
      const dataFrame = this.#dataFrame.in(querySession.session);
      warnOfObservations(await dataFrame.relation(options));
      const { path, table } = this.options;
      if ((path ?? table) === undefined) return await CheckpointedFrame.of(dataFrame, options);
      // Loaded here, with the protocol that it writes in.
      const { WrittenFrame } = await import("./written-frame.js");
      return new WrittenFrame(dataFrame, path !== undefined ? new SharedDirectory(path) : new SharedTable(table!));
    } catch (error) {
      void querySession.release();
      throw error;
    }
  }

  async #checkCanBeStaged(options: StagingOptions): Promise<void> {
    const { session } = this.#dataFrame;
    const [version, isStreaming] = await Promise.all([
      session.version({ signal: options.signal }),
      this.#dataFrame.isStreaming(options),
    ]);
    const { path, table } = this.options;
    if (path === undefined && table === undefined && !knowsCheckpoints(version)) {
      const message = `delivery: "staged" needs checkpoints, which Spark supports since 4.0; this server runs ${version}. ${INSTEAD}`;
      throw new SparkStreamError("UNSUPPORTED", message);
    }
    if (isStreaming) {
      const message = "A streaming DataFrame has no end and cannot be staged. Write it with Spark and read the output.";
      throw new SparkStreamError("INVALID_ARGUMENT", message);
    }
  }

  async #remove(): Promise<void> {
    this.#stop.abort(new SparkStreamError("OPERATION_CANCELED", "The staging was stopped."));
    await this.partitions.catch(() => {});
    await this.#kept?.remove(this.options.collectGarbage);
    await this.#querySession?.release();
    this.#ended();
    this.#forget();
  }
}

/** Spark counts them while it stages, and reports them to nobody. */
function warnOfObservations(relation: object): void {
  const names = observationsOf(relation).map((name) => JSON.stringify(name));
  if (names.length === 0) return;
  const message = `df.observe(): Spark does not report the values of ${names.join(", ")} for a staged or split frame. Use delivery: "result" or "push".`;
  process.emitWarning(message, { type: "SparkStreamWarning", code: "UNREAD_OBSERVATION" });
}
