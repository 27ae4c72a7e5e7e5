/**
 * Gives batches to tasks as they ask for them: the fast task gets more. In: encoded batches. Out: each batch to one task, in the
 * end to one that has given all of its batches to Spark.
 *
 * A task may fail, and Spark runs it again: another attempt. What the attempt before took is gone, unless it was kept (`spool`):
 * then the new attempt gets that first. One attempt at a time gets data; a speculative twin waits. The same holds if Spark reads the
 * frame again, for another stage, or since it stands in a plan twice.
 *
 * Memory: `limit` bytes of batches that no task has asked for yet, and two per task; with `spool` all is kept in temporary files.
 */
import { SparkStreamError } from "../../errors.js";
import { SpillFile } from "../../spool/spill-file.js";
import type { Giver, TaskFeed } from "./task-feed.js";

/** An Arrow IPC stream. */
export interface EncodedBatch {
  readonly pieces: readonly Uint8Array[];
  /** Bytes. */
  readonly size: number;
  readonly rows: number;
}

/** ms that another attempt waits for batches which a finished one took, before that counts as a failure: Spark ends a twin sooner. */
const TWIN_PATIENCE = 30_000;

/** ms that no task is there, though some were and rows are left, until that counts as a failure: the query has ended. */
const IDLE_PATIENCE = 30_000;

export interface FeedOptions {
  /** Bytes of batches that no task has asked for. */
  readonly limit: number;
  readonly spool: boolean;
  /** Whether the query is somebody else's, whose end nobody tells: then it has ended when no task comes any more. */
  readonly idles: boolean;
}

/** What one task computes, whichever attempt of whichever stage it is. */
interface Slot {
  /** Whose first attempt came. */
  readonly reader: string;
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
  readonly #slots = new Map<number, Slot>();
  readonly #queue: EncodedBatch[] = [];
  #queuedBytes = 0;
  /** Tasks that want a batch, once for each. */
  readonly #asking: TaskFeed[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #idles: boolean;
  /** Those that are connected. */
  readonly #tasks = new Set<TaskFeed>();
  #emptied: (() => void) | undefined;
  #refusal: string | undefined;
  #idle: NodeJS.Timeout | undefined;
  #ended = false;
  #closed = false;
  /** Batches that came. */
  rows = 0;
  batches = 0;
  bytes = 0;

  constructor({ limit, spool, idles }: FeedOptions, onFailure: (error: SparkStreamError) => void) {
    this.#limit = limit;
    this.#spool = spool;
    this.#idles = idles;
    this.#onFailure = onFailure;
  }

  /** Settles when there is room for more. */
  async add(batch: EncodedBatch): Promise<void> {
    if (this.#closed) return;
    this.rows += batch.rows;
    this.batches++;
    this.bytes += batch.size;
    this.#queue.push(batch);
    this.#queuedBytes += batch.size;
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
    clearTimeout(this.#idle);
    for (const resolve of this.#waiting.splice(0)) resolve();
    await Promise.all(
      [...this.#slots.values()].map(async (slot) => {
        await slot.keeping;
        await slot.kept?.close().catch(() => {});
      }),
    );
  }

  /** Tells all tasks why they get no more, and those that still come. */
  refuse(text: string): void {
    this.#refusal = text;
    for (const task of this.#tasks) task.refuse("INPUT_LOST", text);
  }

  /** Settles when no task is connected. */
  async empty(): Promise<void> {
    if (this.#tasks.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
  }

  /** Whether no task has come yet. */
  get untouched(): boolean {
    return this.#slots.size === 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why not everything that came is with Spark, if that is so. */
  get missing(): string | undefined {
    if (!this.#ended || this.#queue.length > 0) return "Spark ended the write before it had taken all batches";
    let rows = 0;
    for (const [id, slot] of this.#slots) {
      if (slot.batches > 0 && !slot.done) return `task ${id} ended before it had given all of its rows to Spark`;
      rows += slot.rows;
    }
    return rows === this.rows ? undefined : `${this.rows} rows came, and tasks took ${rows}`;
  }

  /** An attempt of a task has connected. */
  join(task: TaskFeed): void {
    this.#tasks.add(task);
    clearTimeout(this.#idle);
    if (this.#refusal !== undefined) {
      task.refuse("INPUT_LOST", this.#refusal);
      return;
    }
    const slot = this.#slotOf(task);
    if (slot.reader !== task.reader && !this.#spool) {
      const text = readAgain(task);
      task.refuse("INPUT_LOST", text);
      this.#fail("INPUT_LOST", text);
      return;
    }
    if (slot.current) {
      slot.waiting.add(task);
      return;
    }
    this.#begin(slot, task);
  }

  /** Its connection has ended. */
  leave(task: TaskFeed): void {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0) this.#nobodyIsThere();
    const slot = this.#slotOf(task);
    slot.waiting.delete(task);
    for (let index = this.#asking.length - 1; index >= 0; index--) {
      if (this.#asking[index] === task) this.#asking.splice(index, 1);
    }
    if (slot.current !== task) return;
    slot.current = undefined;
    const [next] = slot.waiting;
    if (!next || this.#closed) return;
    slot.waiting.delete(next);
    if (!slot.done || this.#spool) this.#begin(slot, next);
    else {
      // Spark ends it, as a twin of the one that is done; or else it was needed after all.
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (next.isOpen) this.#begin(slot, next);
      }, TWIN_PATIENCE).unref();
      this.#timers.add(timer);
    }
  }

  /** The task wants one more batch. */
  ask(task: TaskFeed): void {
    task.asked++;
    const slot = this.#slotOf(task);
    if (task.asked > slot.batches || !this.#spool) this.#asking.push(task);
    else void this.#sendKept(slot, task);
    this.#give();
  }

  /** The task has given Spark all that it got. */
  finished(task: TaskFeed, rows: number): void {
    const slot = this.#slotOf(task);
    if (slot.current !== task) return;
    if (rows === slot.rows) slot.done = true;
    else this.#fail("INCOMPLETE_RESULT", `Task ${task.partition} got ${slot.rows} rows, and gave Spark ${rows}.`);
  }

  #nobodyIsThere(): void {
    this.#emptied?.();
    if (!this.#idles || this.#closed || this.missing === undefined) return;
    this.#idle = setTimeout(() => {
      this.#fail("INPUT_LOST", `The query ended before it had taken all rows of the stream: ${this.missing}.`);
    }, IDLE_PATIENCE).unref();
  }

  #slotOf({ slot: id, reader }: TaskFeed): Slot {
    const found = this.#slots.get(id);
    if (found) return found;
    const made = {
      reader,
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
    this.#slots.set(id, made);
    return made;
  }

  #begin(slot: Slot, task: TaskFeed): void {
    if (slot.batches > 0 && !this.#spool) {
      const text =
        `Task ${task.partition} failed on Spark after it had taken ${slot.rows} rows, which this process does not have any more; Spark's log says why it failed. ` +
        `Nothing was written. Write the stream again; ${WITH_SPOOL}.`;
      task.refuse("INPUT_LOST", text);
      this.#fail("INPUT_LOST", text);
      return;
    }
    slot.current = task;
    slot.done = false;
    slot.read = slot.kept?.reader();
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
      this.#queuedBytes -= batch.size;
      const slot = this.#slotOf(task);
      slot.rows += batch.rows;
      slot.batches++;
      if (this.#spool) this.#keep(slot, batch);
      else task.give(batch.pieces, batch.size);
    }
    if (this.#queuedBytes < this.#limit) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #end(task: TaskFeed): void {
    const slot = this.#slotOf(task);
    if (!this.#spool || task.given === slot.batches) task.end();
    else {
      task.ending = true;
      void this.#sendKept(slot, task);
    }
  }

  /** One after the other, since a file is read in order. */
  #keep(slot: Slot, { pieces }: EncodedBatch): void {
    slot.keeping = slot.keeping
      .then(async () => {
        slot.kept ??= await SpillFile.create();
        slot.read ??= slot.kept.reader();
        await slot.kept.append(Buffer.concat(pieces));
        slot.keptBatches++;
        if (slot.current) void this.#sendKept(slot, slot.current);
      })
      .catch((error) => {
        if (!this.#closed) this.#onFailure(error as SparkStreamError);
      });
  }

  /** Sends the attempt what it has asked for and what is in the file. */
  async #sendKept(slot: Slot, task: TaskFeed): Promise<void> {
    if (slot.sending || slot.current !== task) return;
    slot.sending = true;
    try {
      const { read } = slot;
      while (read && task.given < Math.min(task.asked, slot.keptBatches) && slot.current === task) {
        const bytes = await read();
        if (!bytes || this.#closed || slot.current !== task) break;
        task.give([bytes], bytes.length);
      }
    } catch (error) {
      if (!this.#closed) this.#onFailure(error as SparkStreamError);
    } finally {
      slot.sending = false;
    }
    if (task.ending && task.given === slot.batches) task.end();
    const { current } = slot;
    if (current && current !== task && !this.#closed) await this.#sendKept(slot, current);
  }

  #fail(code: "INPUT_LOST" | "INCOMPLETE_RESULT", message: string): void {
    this.#onFailure(new SparkStreamError(code, message));
  }
}

const WITH_SPOOL = "with pull: { spool: true } rows are kept until the end, and a task can be repeated";

function readAgain({ partition }: TaskFeed): string {
  return `Spark reads the stream's rows a second time (task ${partition}), and a stream can be read once. Nothing was written; ${WITH_SPOOL}.`;
}
