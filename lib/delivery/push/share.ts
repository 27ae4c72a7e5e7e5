/**
 * The partitions of one Readable: those with `id % count === index`, for `count` shares. In: batches, from one
 * connection per running task. Out: ArrowIpcRow, in the order of turn.ts.
 *
 * Memory: `limit` bytes in connections, queues and chain together, and one batch per connection beyond that. A
 * connection asks for room before it reads each batch, and queues behind all others that wait, so all get an equal
 * share. In the order "partition", half of the limit is for the partitions after the current one.
 *
 * A partition that is *held back* stays in its queue until its task has ended. A *spilled* one is queued because its
 * task holds a slot that the task of another partition needs. Both queues may use a temporary file.
 */
import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { RowCursor } from "../../chain/row-source.js";
import type { ResultReport } from "../result/result-report.js";
import { QueuedPartition } from "./queued-partition.js";
import { arrivalTurn, type Order, partitionTurn, type Turn } from "./turn.js";

export interface ShareOptions {
  /** Bytes of Arrow data in memory. */
  readonly limit: number;
  readonly order: Order;
  /** Whether each partition is held back until its task has ended. */
  readonly spool: boolean;
  readonly index: number;
  readonly count: number;
  readonly report: ResultReport;
  /** Called when the share ends, whether or not it was read completely. */
  onClose(share: Share): Promise<void>;
}

interface Asking {
  readonly partition: QueuedPartition;
  readonly bytes: number;
  readonly admit: () => void;
}

/** The bytes that a share holds. */
interface Levels {
  /** Bytes in connections, queues and chain. */
  memory: number;
  /** The part of it that belongs to partitions whose turn is later. */
  ahead: number;
  /** Bytes of partitions that are complete and not delivered, in memory or not. */
  backlog: number;
}

export class Share implements RowCursor {
  readonly #options: ShareOptions;
  readonly #live = new Map<number, QueuedPartition>();
  readonly #finished = new Set<number>();
  readonly #turn: Turn<QueuedPartition>;
  /** Bytes that the chain has. */
  #inChain = 0;
  readonly #asking: Asking[] = [];
  #wake: (() => void) | undefined;
  /** Since when the consumer has been waiting; ms, performance.now(). */
  #starvedSince: number | undefined;
  #ended = false;
  /** Whether any row was delivered; and the row to deliver if there are no others. */
  #begun = false;
  #last: ArrowIpcRow | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(options: ShareOptions) {
    this.#options = options;
    const { order, index, count } = options;
    const isOver = (id: number) => this.#finished.has(id);
    this.#turn = order === "arrival" ? arrivalTurn(this.#live) : partitionTurn(this.#live, isOver, index, count);
  }

  get report(): ResultReport {
    return this.#options.report;
  }

  /** Adds a partition for which a task has connected. */
  add(id: number): QueuedPartition {
    // The item that is being pushed is already counted, as incoming.
    const hasRoom = () => this.#levels().memory <= this.#options.limit;
    const partition = new QueuedPartition(id, this.#options.spool, hasRoom);
    this.#live.set(id, partition);
    return partition;
  }

  async next(): Promise<ArrowIpcRow | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const partition = this.#turn.next();
      if (partition && this.#hasRoomFor(partition)) {
        this.#starvedSince = undefined;
        const row = await this.#take(partition);
        if (row) return row;
      } else if (!partition && this.#ended) {
        const last = this.#begun ? undefined : this.#last;
        this.#begun = true;
        return last;
      } else {
        if (!partition) this.#starvedSince ??= performance.now();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  released(bytes: number): void {
    this.#inChain -= bytes;
    this.#changed();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** To be called when all partitions have arrived. @param schema a row without data, for a share without rows */
  end(schema: ArrowIpcRow): void {
    this.#ended = true;
    this.#last = schema;
    this.#changed();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed();
  }

  /**
   * Reserves room for a batch that a connection is about to read. Returns undefined if there is room now, or else a
   * promise.
   */
  room(partition: QueuedPartition, bytes: number): Promise<void> | undefined {
    if (this.#mayRead(partition, this.#levels())) {
      partition.incoming += bytes;
      return undefined;
    }
    return new Promise((admit) => this.#asking.push({ partition, bytes, admit }));
  }

  /** Stores a batch for which room was reserved; undefined if it did not arrive. Resolves when it is stored. */
  async store(partition: QueuedPartition, bytes: number, row: ArrowIpcRow | undefined): Promise<void> {
    if (row && !this.#closed) await partition.queue.push(row);
    partition.incoming -= bytes;
    this.#changed();
  }

  /** To be called when a partition is complete, or has lost its sender. */
  update(partition: QueuedPartition): void {
    if (partition.state.complete && (this.#closed || partition.queue.length === 0)) {
      this.#live.delete(partition.id);
      this.#finished.add(partition.id);
    }
    this.#changed();
  }

  /** How long, in ms, the share has waited for a partition that no task sends. */
  get starvedMs(): number {
    if (this.#starvedSince === undefined || this.#inChain > 0 || this.#ended || this.#closed) return 0;
    const isSent = [...this.#live.values()].some(({ id, state }) => state.hasSender && this.#turn.isCurrent(id));
    return isSent ? 0 : performance.now() - this.#starvedSince;
  }

  /** The first partition whose connection waits for room. */
  get firstBlocked(): QueuedPartition | undefined {
    return this.#asking
      .map(({ partition }) => partition)
      .reduce<QueuedPartition | undefined>((first, each) => (!first || each.id < first.id ? each : first), undefined);
  }

  /** Takes all batches of a partition even if memory has no room: the rest goes to its file. */
  spill(partition: QueuedPartition): void {
    partition.spilled = true;
    this.#changed();
  }

  async #take(partition: QueuedPartition): Promise<ArrowIpcRow | undefined> {
    partition.state.markDelivered();
    // Synchronously if possible: between the queue and the chain the row would not be counted.
    const row = partition.queue.shiftFromMemory() ?? (await partition.queue.shift());
    this.#begun ||= row !== undefined;
    const bytes = row?.arrow_ipc_bytes.length ?? 0;
    this.#inChain += bytes;
    partition.deliveredBytes += bytes;
    this.update(partition);
    return row;
  }

  /** Whether memory has room for a row from a file. Rows of other partitions must not block it forever. */
  #hasRoomFor({ queue }: QueuedPartition): boolean {
    return !queue.nextIsFiled || this.#inChain === 0 || this.#levels().memory < this.#options.limit;
  }

  #mayRead(partition: QueuedPartition, levels: Levels): boolean {
    const { limit, order, spool } = this.#options;
    if (this.#closed || partition.spilled) return true;
    const inOrder = order === "partition";
    const isCurrent = this.#turn.isCurrent(partition.id);
    if (spool) return (inOrder && isCurrent) || levels.backlog < limit;
    if (!inOrder) return levels.memory < limit;
    return (isCurrent ? levels.memory - levels.ahead : levels.ahead) < limit / 2;
  }

  #levels(): Levels {
    const levels: Levels = { memory: this.#inChain, ahead: 0, backlog: 0 };
    for (const { id, queue, incoming, state, deliveredBytes } of this.#live.values()) {
      this.#raise(levels, id, queue.held + incoming);
      if (state.complete) levels.backlog += state.totals.bytes - deliveredBytes;
    }
    return levels;
  }

  #raise(levels: Levels, id: number, bytes: number): void {
    levels.memory += bytes;
    if (!this.#turn.isCurrent(id)) levels.ahead += bytes;
  }

  #changed(): void {
    const levels = this.#asking.length > 0 ? this.#levels() : undefined;
    for (let index = 0; levels && index < this.#asking.length; ) {
      const { partition, bytes, admit } = this.#asking[index]!;
      if (this.#mayRead(partition, levels)) {
        this.#asking.splice(index, 1);
        partition.incoming += bytes;
        this.#raise(levels, partition.id, bytes);
        admit();
      } else index++;
    }
    this.#wake?.();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#changed();
    await Promise.all([...this.#live.values()].map(({ queue }) => queue.close().catch(() => {})));
    await this.#options.onClose(this);
  }
}
