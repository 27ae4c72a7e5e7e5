/**
 * Gives batches to tasks as they ask for them: the fast task gets more. In: encoded batches. Out: each batch to one task, in the
 * end to one that has given all of its batches to Spark.
 *
 * A task may fail, and Spark runs it again: another attempt of the same partition. What the attempt before took is gone, unless it
 * was kept (`spool`): then the new attempt gets that first. One attempt of a partition at a time gets data; a speculative twin waits.
 *
 * Memory: `limit` bytes of batches that no task has asked for yet, and two per task; with `spool` all is kept in temporary files.
 */
import { SparkStreamError } from "../../errors.js";
import { SpillFile } from "../../spool/spill-file.js";
import type { Giver, TaskFeed } from "./task-feed.js";

/** An Arrow IPC stream. */
export interface EncodedBatch {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** ms that another attempt waits for batches which a finished one took, before that counts as a failure: Spark ends a twin sooner. */
const TWIN_PATIENCE = 30_000;

interface Partition {
  /** The attempt that gets data. */
  current: TaskFeed | undefined;
  readonly waiting: Set<TaskFeed>;
  /** What it was given; each of its attempts gets this from the beginning. */
  rows: number;
  batches: number;
  /** With `spool`: the batches, of which so many are in the file, and how the current attempt reads them. */
  kept: SpillFile | undefined;
  keptBatches: number;
  keeping: Promise<void>;
  read: (() => Promise<Uint8Array | undefined>) | undefined;
  sending: boolean;
  /** Whether an attempt has given all to Spark. */
  done: boolean;
}

export class Feed implements Giver {
  readonly #limit: number;
  readonly #spool: boolean;
  readonly #onFailure: (error: SparkStreamError) => void;
  readonly #partitions = new Map<number, Partition>();
  readonly #queue: EncodedBatch[] = [];
  #queuedBytes = 0;
  /** Tasks that want a batch, once for each. */
  readonly #asking: TaskFeed[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #ended = false;
  #closed = false;
  /** Batches that came. */
  rows = 0;
  batches = 0;
  bytes = 0;

  constructor(limit: number, spool: boolean, onFailure: (error: SparkStreamError) => void) {
    this.#limit = limit;
    this.#spool = spool;
    this.#onFailure = onFailure;
  }

  /** Settles when there is room for more. */
  async add(batch: EncodedBatch): Promise<void> {
    if (this.#closed) return;
    this.rows += batch.rows;
    this.batches++;
    this.bytes += batch.bytes.length;
    this.#queue.push(batch);
    this.#queuedBytes += batch.bytes.length;
    this.#give();
    if (this.#queuedBytes < this.#limit || this.#closed) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** No more batches come. */
  end(): void {
    this.#ended = true;
    this.#give();
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    this.#asking.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const resolve of this.#waiting.splice(0)) resolve();
    await Promise.all(
      [...this.#partitions.values()].map(async (partition) => {
        await partition.keeping;
        await partition.kept?.close().catch(() => {});
      }),
    );
  }

  /** Whether no task has come yet. */
  get untouched(): boolean {
    return this.#partitions.size === 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why not everything that came is with Spark, if that is so. */
  get missing(): string | undefined {
    if (!this.#ended || this.#queue.length > 0) return "Spark ended the write before it had taken all batches";
    let rows = 0;
    for (const [id, partition] of this.#partitions) {
      if (partition.batches > 0 && !partition.done)
        return `task ${id} ended before it had given all of its rows to Spark`;
      rows += partition.rows;
    }
    return rows === this.rows ? undefined : `${this.rows} rows came, and tasks took ${rows}`;
  }

  /** An attempt of a task has connected. */
  join(task: TaskFeed): void {
    const partition = this.#partitionOf(task.partition);
    if (partition.current) {
      partition.waiting.add(task);
      return;
    }
    this.#begin(partition, task);
  }

  /** Its connection has ended. */
  leave(task: TaskFeed): void {
    const partition = this.#partitionOf(task.partition);
    partition.waiting.delete(task);
    for (let index = this.#asking.length - 1; index >= 0; index--) {
      if (this.#asking[index] === task) this.#asking.splice(index, 1);
    }
    if (partition.current !== task) return;
    partition.current = undefined;
    const [next] = partition.waiting;
    if (!next || this.#closed) return;
    partition.waiting.delete(next);
    if (!partition.done || this.#spool) this.#begin(partition, next);
    else {
      // Spark ends it, as a twin of the one that is done; or else it was needed after all.
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (next.isOpen) this.#begin(partition, next);
      }, TWIN_PATIENCE).unref();
      this.#timers.add(timer);
    }
  }

  /** The task wants one more batch. */
  ask(task: TaskFeed): void {
    task.asked++;
    const partition = this.#partitionOf(task.partition);
    if (task.asked > partition.batches || !this.#spool) this.#asking.push(task);
    else void this.#sendKept(partition, task);
    this.#give();
  }

  /** The task has given Spark all that it got. */
  finished(task: TaskFeed, rows: number): void {
    const partition = this.#partitionOf(task.partition);
    if (partition.current !== task) return;
    if (rows === partition.rows) partition.done = true;
    else this.#fail("INCOMPLETE_RESULT", `Task ${task.partition} got ${partition.rows} rows, and gave Spark ${rows}.`);
  }

  #partitionOf(id: number): Partition {
    const found = this.#partitions.get(id);
    if (found) return found;
    const made = {
      current: undefined,
      waiting: new Set<TaskFeed>(),
      rows: 0,
      batches: 0,
      kept: undefined,
      keptBatches: 0,
      keeping: Promise.resolve(),
      read: undefined,
      sending: false,
      done: false,
    };
    this.#partitions.set(id, made);
    return made;
  }

  #begin(partition: Partition, task: TaskFeed): void {
    if (partition.batches > 0 && !this.#spool) {
      this.#fail(
        "INPUT_LOST",
        `Task ${task.partition} failed on Spark after it had taken ${partition.rows} rows, which this process does not have any more; Spark's log says why it failed. ` +
          "Nothing was written. Write the stream again; with pull: { spool: true } rows are kept until the write has ended, and a task can be repeated.",
      );
      return;
    }
    partition.current = task;
    partition.done = false;
    partition.read = partition.kept?.reader();
    task.begin(this);
  }

  #give(): void {
    while (this.#asking.length > 0 && !this.#closed) {
      const batch = this.#queue.shift();
      if (!batch) {
        if (this.#ended) for (const task of this.#asking.splice(0)) this.#end(task);
        break;
      }
      const task = this.#asking.shift()!;
      this.#queuedBytes -= batch.bytes.length;
      const partition = this.#partitionOf(task.partition);
      partition.rows += batch.rows;
      partition.batches++;
      if (this.#spool) this.#keep(partition, batch);
      else task.give(batch.bytes);
    }
    if (this.#queuedBytes < this.#limit) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #end(task: TaskFeed): void {
    const partition = this.#partitionOf(task.partition);
    if (!this.#spool || task.given === partition.batches) task.end();
    else {
      task.ending = true;
      void this.#sendKept(partition, task);
    }
  }

  /** One after the other, since a file is read in order. */
  #keep(partition: Partition, { bytes }: EncodedBatch): void {
    partition.keeping = partition.keeping
      .then(async () => {
        partition.kept ??= await SpillFile.create();
        partition.read ??= partition.kept.reader();
        await partition.kept.append(bytes);
        partition.keptBatches++;
        if (partition.current) void this.#sendKept(partition, partition.current);
      })
      .catch((error) => {
        if (!this.#closed) this.#onFailure(error as SparkStreamError);
      });
  }

  /** Sends the attempt what it has asked for and what is in the file. */
  async #sendKept(partition: Partition, task: TaskFeed): Promise<void> {
    if (partition.sending || partition.current !== task) return;
    partition.sending = true;
    try {
      const { read } = partition;
      while (read && task.given < Math.min(task.asked, partition.keptBatches) && partition.current === task) {
        const bytes = await read();
        if (!bytes || this.#closed || partition.current !== task) break;
        task.give(bytes);
      }
    } catch (error) {
      if (!this.#closed) this.#onFailure(error as SparkStreamError);
    } finally {
      partition.sending = false;
    }
    if (task.ending && task.given === partition.batches) task.end();
    const { current } = partition;
    if (current && current !== task && !this.#closed) await this.#sendKept(partition, current);
  }

  #fail(code: "INPUT_LOST" | "INCOMPLETE_RESULT", message: string): void {
    this.#onFailure(new SparkStreamError(code, message));
  }
}
