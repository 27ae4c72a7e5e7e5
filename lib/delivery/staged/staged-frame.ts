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
import type { QuerySession } from "../../connect/session/query-session.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { StagedOptions } from "../../stream-options.js";
import { observationsOf } from "../observations.js";
import { type BatchOptions, queryConf } from "../query-conf.js";
import { CheckpointedFrame, INSTEAD } from "./checkpointed-frame.js";
import type { KeptFrame } from "./kept-frame.js";
import type { Packing } from "./packed-rows.js";
import type { StagedPartition } from "./partition-windows.js";
import { SharedDirectory, SharedTable } from "./shared-storage.js";

/** Something that reads a staged frame. */
export interface StageUser {
  /** Ends it and has it leave. May be called again. */
  close(): Promise<void>;
}

export interface StagedFrameOptions extends Pick<StagedOptions, "path" | "table">, BatchOptions {
  /** Whether the driver is asked to collect garbage when a checkpoint was removed. */
  collectGarbage: boolean;
  /** Tags of the queries that stage the frame. */
  tags: readonly string[];
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
  #packing: Packing | undefined;
  #wasStopped = false;
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

  /**
   * Resolves when the frame was removed, if this was its last user.
   *
   * @param stopped whether the user had not read to its end
   */
  async leave(user: StageUser, stopped: boolean): Promise<void> {
    this.#users.delete(user);
    this.#wasStopped ||= stopped;
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

  /** How its rows are packed, if they are. Known once there are `partitions`. */
  get packing(): Packing | undefined {
    return this.#packing;
  }

  async #stage(): Promise<readonly StagedPartition[]> {
    const options = { tags: this.options.tags, signal: this.#stop.signal };
    try {
      await this.#checkCanBeStaged(options);
      const { session } = this.#dataFrame;
      this.#packing = await this.#pack(options);
      // Only its session knows a checkpoint, so with settings all queries that stage or read it run in the same clone.
      const conf = this.#packing?.conf ?? queryConf(this.options);
      const use = { conf, usesPython: this.#packing !== undefined };
      this.#kept = await session.withQuerySession(this.#dataFrame, use, (querySession) =>
        this.#stageIn(querySession, options),
      );
      options.signal.throwIfAborted();
      return await this.#kept.partitions(options);
    } catch (error) {
      throw explainDisks(error, "the staged frame", 'use delivery: "result"');
    }
  }

  /** A codec is for the rows as they travel, so that they stay as they are. */
  async #pack(options: StagingOptions): Promise<Packing | undefined> {
    const { path, table, compression, maxRecordsPerBatch } = this.options;
    if ((path ?? table ?? compression) !== undefined) return undefined;
    const { packingOf } = await import("./packed-rows.js");
    return await packingOf(this.#dataFrame, { ...options, maxRecordsPerBatch });
  }

  async #stageIn(querySession: QuerySession<SparkSession>, options: StagingOptions): Promise<KeptFrame> {
    this.#querySession = querySession;
    try {
      const dataFrame = this.#dataFrame.in(querySession.session);
      warnOfObservations(await dataFrame.relation(options));
      const { path, table } = this.options;
      if (this.#packing) {
        return await CheckpointedFrame.of(this.#packing.frame.in(querySession.session), options, true);
      }
      if ((path ?? table) === undefined) return await CheckpointedFrame.of(dataFrame, options);
      // Loaded here, with the protocol that it writes in.
      const { WrittenFrame } = await import("./written-frame.js");
      return new WrittenFrame(dataFrame, path !== undefined ? new SharedDirectory(path) : new SharedTable(table!));
    } catch (error) {
      void querySession.release(true);
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
    await this.#querySession?.release(this.#wasStopped);
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
