/**
 * A frame that was computed once and lies on the executors' disks, and the sizes of its partitions. Shared by all cursors
 * that read it: with the last of them it is removed, and with the session in any case.
 *
 *   checkpoint  the query is run up to its last stage; from here on there is something to remove
 *   count       one query that computes every partition, has it kept, and counts its rows and bytes
 *   seal        Spark forgets how the partitions were made: later reads return the counted rows, or an error
 */

import type { QueryConf, QuerySession } from "../../connect/session/query-session.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import { onAbort } from "../../runtime/abort.js";
import type { SparkStreamOptions } from "../../stream-options.js";
import { observationsOf } from "../observations.js";
import { ResultCursor } from "../result/result.js";
import { Checkpoint } from "./checkpoint.js";
import { explainDisks } from "./explain-disks.js";
import type { StagedPartition } from "./partition-windows.js";
import { rowBytesSql } from "./row-bytes-sql.js";

/** Something that reads a staged frame. */
export interface StageUser {
  /** Ends it and has it leave. May be called again. */
  close(): Promise<void>;
}

export interface StagedFrameOptions extends Pick<Required<SparkStreamOptions>, "collectGarbage"> {
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
  #checkpoint: Checkpoint | undefined;
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
    this.#ended = session.client.trackRun(async () => this.#checkpoint?.remove(false));
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
    return this.#checkpoint!.rowsOf(partitions);
  }

  async #stage(): Promise<readonly StagedPartition[]> {
    const options = { tags: this.options.tags, signal: this.#stop.signal };
    try {
      await this.#checkCanBeStaged(options);
      const { session } = this.#dataFrame;
      const checkpoint = await session.withQuerySession(this.#dataFrame, this.options.conf, (querySession) =>
        this.#stageIn(querySession, options),
      );
      this.#checkpoint = checkpoint;
      const partitions = await this.#count(checkpoint.frame, options);
      await checkpoint.seal(options);
      return partitions;
    } catch (error) {
      throw explainDisks(error);
    }
  }

  async #stageIn(querySession: QuerySession<SparkSession>, options: StagingOptions): Promise<Checkpoint> {
    this.#querySession = querySession;
    try {
      const dataFrame = this.#dataFrame.in(querySession.session);
      warnOfObservations(await dataFrame.relation(options));
      return await Checkpoint.of(dataFrame, options);
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
    if (Number.parseInt(version, 10) < 4) {
      const message = `delivery: "staged" needs checkpoints, which Spark supports since 4.0; this server runs ${version}. Use delivery: "result".`;
      throw new SparkStreamError("UNSUPPORTED", message);
    }
    if (isStreaming) {
      const message = "A streaming DataFrame has no end and cannot be staged. Write it with Spark and read the output.";
      throw new SparkStreamError("INVALID_ARGUMENT", message);
    }
  }

  async #count(frame: DataFrame, { tags, signal }: StagingOptions): Promise<StagedPartition[]> {
    const schema = await frame.sparkSchema({ signal });
    const fields = schema?.kind.case === "struct" ? schema.kind.value.fields : [];
    const columns = fields.map(({ dataType }, index) => ({ name: `c${index}`, type: dataType }));
    // Names of its own, since several columns may have one.
    const named = columns.length > 0 ? frame.toDF(...columns.map(({ name }) => name)) : frame;
    const counts = named
      .select("spark_partition_id() AS id", `${rowBytesSql(columns)} AS bytes`)
      .groupBy("id")
      .agg("count(1) AS rows", "sum(bytes) AS bytes");

    signal.throwIfAborted();
    const cursor = new ResultCursor(counts, { tags });
    const forget = onAbort(signal, () => void cursor.close());
    try {
      const { IpcDecoder } = await import("../../chain/ipc-decoder.js");
      const decoder = new IpcDecoder();
      const partitions: StagedPartition[] = [];
      for (let row = await cursor.next(); row; row = await cursor.next()) {
        for (const batch of await decoder.decode(row)) {
          for (const { id, rows, bytes } of batch) partitions.push({ id, rows: Number(rows), bytes: Number(bytes) });
        }
      }
      signal.throwIfAborted();
      return partitions.sort((a, b) => a.id - b.id);
    } finally {
      forget();
      await cursor.close();
    }
  }

  async #remove(): Promise<void> {
    this.#stop.abort(new SparkStreamError("OPERATION_CANCELED", "The staging was stopped."));
    await this.partitions.catch(() => {});
    await this.#checkpoint?.remove(this.options.collectGarbage);
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
