/**
 * A write whose rows go through the driver, in portions: each one travels in a plan and is moved to the executors' disks, a checkpoint,
 * before the next is sent. In the end one frame stands on all of them, and is written in one go.
 *
 *     ≤ 1 portion     no checkpoint: the frame has the rows
 *     no checkpoints  (Spark 3.5, Sail, some hosted servers) the same up to MOST_WITHOUT_CHECKPOINTS, and beyond it an error
 *
 * Rows are packed (connect/local-data/portions.ts), also in the checkpoints: Spark keeps an object per row. They travel in plans and not
 * as cached artifacts, since a session keeps those in the driver until it ends.
 *
 * Memory: two portions, of which one is being sent. The driver's: that one, and the names of the others.
 */
import type { Schema } from "apache-arrow";
import { columnBuffers } from "../../arrow/encode/column-buffers.js";
import { breathe, type LocalPart, type LocalRows } from "../../connect/local-data/local-rows.js";
import { planRelation } from "../../connect/local-data/plan-relation.js";
import { canPack, PACKED } from "../../connect/local-data/portions.js";
import { estimatedBytes, MOST_PACKED, rowsPacked } from "../../connect/local-data/size-estimate.js";
import { type UploadLimits, uploadLimits } from "../../connect/local-data/upload-limits.js";
import { relationOf } from "../../connect/local-data/uploaded-relation.js";
import {
  CHECKPOINT_CONF,
  Checkpoint,
  type CheckpointUser,
  hasCheckpointDirectory,
  knowsCheckpoints,
  LOST_CHECKPOINT,
} from "../../connect/session/checkpoint.js";
import { explainDisks } from "../../connect/session/explain-disks.js";
import type { RelationInit } from "../../connect/session/plan.js";
import * as relations from "../../connect/session/relations.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { AbortError } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { writeDefaults } from "../../write-options.js";
import type { Ingest, WriteFrame, WriterMetrics } from "../ingest.js";

const MIB = 1024 * 1024;

/** Bytes of Arrow data that are written if the server makes no checkpoints. */
const MOST_WITHOUT_CHECKPOINTS = 64 * MIB;

/** Bytes of Arrow data in a portion: Spark takes messages of 128 MiB. */
const MOST_PORTION = 64 * MIB;

/** Bytes of Arrow data that a task of the final write has; it makes one file of them. */
const TASK_BYTES = 32 * MIB;

/** Bytes from which on a frame may only be broadcast in a join if its rows as they are may be. */
const BROADCAST_BYTES = 64 * MIB;

export interface UploadedWriteOptions extends Pick<RunOptions, "tags"> {
  /** Bytes of Arrow data in a portion. */
  readonly readAheadBytes?: number | undefined;
  /** Asked before anything is sent: whether the rows are wanted. Else they are dropped. */
  readonly isWanted?: ((schema: Schema, run: RunOptions) => Promise<boolean>) | undefined;
  /** Whether the checkpoints stay when the frame was written. */
  readonly keepCheckpoints?: boolean | undefined;
}

export class UploadedWrite implements Ingest {
  readonly #name: string;
  readonly #session: SparkSession;
  readonly #options: UploadedWriteOptions;
  readonly #write: WriteFrame;
  readonly #onFailure: (error: Error) => void;
  readonly #portionBytes: number;
  readonly #stop = new AbortController();
  readonly #forget: () => void;
  readonly #user: CheckpointUser;
  #schema!: Schema;
  #limits!: UploadLimits;
  #wanted = true;
  #local = true;
  #canCheckpoint = true;
  #pack = 0;
  /** Those of the next portion. */
  #parts: LocalPart[] = [];
  #size = 0;
  readonly #checkpoints: Checkpoint[] = [];
  /** What runs on the server. */
  #running: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #stopped: Promise<void> | undefined;
  #rows = 0;
  #batches = 0;
  #bytes = 0;

  /**
   * @param name that of the caller, for errors
   * @param onFailure called once, with what made the write impossible
   */
  constructor(
    name: string,
    session: SparkSession,
    options: UploadedWriteOptions,
    write: WriteFrame,
    onFailure: (error: Error) => void,
  ) {
    session.checkOpen();
    this.#name = name;
    this.#session = session;
    this.#options = options;
    this.#write = write;
    this.#onFailure = onFailure;
    this.#portionBytes = Math.min(options.readAheadBytes ?? writeDefaults.readAheadBytes, MOST_PORTION);
    this.#user = { name, instead: 'Use delivery: "pull".' };
    this.#forget = session.beforeClose(async () => {
      this.#fail(sessionClosed());
      await this.stop();
    });
  }

  get metrics(): WriterMetrics {
    return { rows: this.#rows, batches: this.#batches, bytes: this.#bytes };
  }

  async begin(schema: Schema): Promise<void> {
    this.#schema = schema;
    const run = this.#run;
    const session = this.#session;
    this.#wanted = (await this.#options.isWanted?.(schema, run)) ?? true;
    const [limits, version] = await Promise.all([
      uploadLimits(session.client, run.signal),
      session.version({ signal: run.signal }),
    ]);
    this.#limits = limits;
    this.#canCheckpoint = knowsCheckpoints(version);
  }

  /** @throws SparkStreamError MESSAGE_TOO_LARGE, QUERY_FAILED */
  async add(part: LocalPart): Promise<void> {
    if (this.#failure) throw this.#failure;
    const size = partBytes(part);
    this.#rows += part.length;
    this.#batches++;
    this.#bytes += size;
    if (!this.#wanted) return;
    this.#parts.push(part);
    this.#size += size;
    if (this.#canCheckpoint && this.#size >= this.#portionBytes) await this.#send();
    if (this.#failure) throw this.#failure;
    if (!this.#canCheckpoint && this.#size > MOST_WITHOUT_CHECKPOINTS) throw tooLarge(this.#name);
  }

  /** The first portion is waited for, since the server may refuse checkpoints; others are sent while the next one is collected. */
  async #send(): Promise<void> {
    await this.#running;
    if (this.#failure) return;
    const rows = new Parts(this.#schema, this.#parts);
    this.#pack ||= this.#packFor(rows.rowCount);
    const isFirst = this.#checkpoints.length === 0;
    const sent = this.#checkpoint(rows);
    this.#running = sent.catch((error) => {
      if (!isFirst) this.#fail(explained(error));
    });
    if (isFirst) {
      try {
        await sent;
      } catch (error) {
        if (!(error instanceof SparkStreamError) || error.code !== "UNSUPPORTED") throw explained(error);
        this.#canCheckpoint = false;
        return;
      }
    }
    this.#parts = [];
    this.#size = 0;
  }

  /** One partition: Spark would make as many as it has cores, of each portion. */
  async #checkpoint(rows: LocalRows): Promise<void> {
    const run = this.#run;
    const options = { maxBytes: Number.POSITIVE_INFINITY, severalBatches: this.#limits.inPortions, pack: this.#pack };
    const relation = (await planRelation(rows, options, run.signal))!;
    if (this.#checkpoints.length === 0) this.#local = !(await hasCheckpointDirectory(this.#session, run));
    const settings = { local: this.#local, eager: true, user: this.#user };
    this.#checkpoints.push(await Checkpoint.of(this.#frameOf(relation).coalesce(1), settings, run));
  }

  /** How many rows become one; for a frame that joins others, so that Spark's optimizer takes it for large if it is. */
  #packFor(rows: number): number {
    if (!canPack(this.#schema)) return 1;
    if (!this.#options.keepCheckpoints) return MOST_PACKED;
    const estimate = estimatedBytes(
      this.#schema.fields.map(({ type }) => type),
      rows * (BROADCAST_BYTES / this.#size),
    );
    return rowsPacked({ bytes: BROADCAST_BYTES + 1, estimate, broadcastThreshold: this.#limits.broadcastThreshold });
  }

  async finish(): Promise<void> {
    await this.#running;
    if (this.#failure) throw this.#failure;
    const frame = this.#wanted ? await this.#frame() : undefined;
    if (this.#failure) throw this.#failure;
    const written = frame ? this.#write(frame, this.#run, this.#checkpoints) : Promise.resolve();
    this.#running = written.catch(() => {});
    await written.catch((error) => Promise.reject(explained(error)));
    if (this.#failure) throw this.#failure;
    this.#forget();
    this.#stopped = this.#options.keepCheckpoints ? Promise.resolve() : removeAll(this.#checkpoints);
    this.#session.client.trackStop(this.#stopped);
  }

  /** All rows that came. */
  async #frame(): Promise<DataFrame> {
    const { signal } = this.#stop;
    if (this.#checkpoints.length === 0) {
      const relation = await relationOf(this.#session.client, new Parts(this.#schema, this.#parts), signal);
      this.#parts = [];
      return this.#frameOf(relation);
    }
    if (this.#parts.length > 0) {
      await this.#send();
      await this.#running;
      if (this.#failure) throw this.#failure;
    }
    const frames = await Promise.all(this.#checkpoints.map(({ frame }) => frame.relation({ signal })));
    const all = this.#frameOf(relations.unionOfAll(frames)).coalesce(Math.ceil(this.#bytes / TASK_BYTES));
    return this.#pack > 1 ? all.select(`inline(${PACKED})`) : all;
  }

  /** Interrupts what runs. Never rejects. */
  stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = this.#interrupt();
      this.#session.client.trackStop(this.#stopped);
    }
    return this.#stopped;
  }

  async #interrupt(): Promise<void> {
    this.#failure ??= new SparkStreamError("OPERATION_CANCELED", "The write was stopped.");
    this.#stop.abort(this.#failure);
    this.#parts = [];
    await this.#running;
    await removeAll(this.#checkpoints);
    this.#forget();
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    if (!(error instanceof AbortError)) this.#onFailure(error);
  }

  get #run(): RunOptions & { signal: AbortSignal } {
    const { tags } = this.#options;
    return { ...(tags && { tags }), signal: this.#stop.signal };
  }

  #frameOf(relation: RelationInit): DataFrame {
    return this.#session.range(0).withPlan(async () => relation);
  }
}

/** Some parts, as the rows of a relation. */
class Parts implements LocalRows {
  readonly schema: Schema;
  readonly rowCount: number;
  readonly #parts: readonly LocalPart[];

  constructor(schema: Schema, parts: readonly LocalPart[]) {
    this.schema = schema;
    this.#parts = parts;
    this.rowCount = parts.reduce((sum, { length }) => sum + length, 0);
  }

  async *parts(signal: AbortSignal | undefined): AsyncGenerator<LocalPart> {
    for (const part of this.#parts) {
      await breathe(signal);
      yield part;
    }
  }
}

function partBytes({ columns }: LocalPart): number {
  return columns.reduce((sum, data) => sum + columnBuffers(data).byteLength, 0);
}

/** Names that are dropped at a time. */
const REMOVED_AT_ONCE = 16;

async function removeAll(checkpoints: readonly Checkpoint[]): Promise<void> {
  for (let first = 0; first < checkpoints.length; first += REMOVED_AT_ONCE) {
    await Promise.all(checkpoints.slice(first, first + REMOVED_AT_ONCE).map((checkpoint) => checkpoint.remove(false)));
  }
}

/** The executors' disks are full, or one took a portion with it; or else the error itself. */
function explained(error: unknown): Error {
  if (!(error instanceof SparkStreamError) || error.errorClass !== LOST_CHECKPOINT) {
    return explainDisks(error, "the rows", 'use delivery: "pull"') as Error;
  }
  const { errorClass, sqlState, operationId, message } = error;
  const text = `A part of the rows was lost with an executor, on whose disk it was. Nothing was written. Write the stream again, on a server with ${CHECKPOINT_CONF}, or with delivery: "pull" and pull: { spool: true }. ${message}`;
  return new SparkStreamError("INPUT_LOST", text, { cause: error, errorClass, sqlState, operationId });
}

function tooLarge(name: string): SparkStreamError {
  const message = `The server makes no checkpoints (Spark does since 4.0), and so ${name} takes ${MOST_WITHOUT_CHECKPOINTS} bytes of Arrow data at most. Nothing was written. Use delivery: "pull".`;
  return new SparkStreamError("MESSAGE_TOO_LARGE", message);
}
