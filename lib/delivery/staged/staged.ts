/**
 * Delivery "staged": Spark computes the frame once, onto the executors' disks or shared storage, and its partitions are taken
 * from there window by window, in order. Each window is one query; while it is consumed, the stream requests the next one, never more.
 *
 * In: a StagedFrame. Out: ArrowIpcRow. Memory: on the driver, two windows, each within a budget of bytes or one partition;
 * here, besides the chain's, what the transport has in flight for the next window, and one response of it.
 */
import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { RowCursor } from "../../chain/row-source.js";
import type { LargePartition } from "../../chain/source-report.js";
import { sessionClosed } from "../../errors.js";
import type { StagedOptions } from "../../stream-options.js";
import type { QueryOptions } from "../result/result.js";
import { ResultReport } from "../result/result-report.js";
import { type StagedPartition, windowsOf } from "./partition-windows.js";
import type { StagedFrame, StageUser } from "./staged-frame.js";
import { StagedSection, sectionLength } from "./staged-section.js";
import { type PartitionSource, StagedWindow } from "./staged-window.js";

export interface StagedCursorOptions extends QueryOptions {
  /** See {@link StagedOptions.windowBytes}. */
  readonly windowBytes: number;
  /** Selects the partitions to read. May throw. */
  choose(partitions: readonly StagedPartition[]): readonly StagedPartition[];
  onLargePartition(partition: LargePartition): void;
}

export class StagedCursor implements RowCursor, StageUser {
  /** Reports the progress of each window; none of them has the metrics of the frame. */
  readonly report = new ResultReport();
  readonly #stage: StagedFrame;
  readonly #options: StagedCursorOptions;
  #windows: StagedPartition[][] | undefined;
  #opened = 0;
  #rows = 0;
  #sections: StagedSection[] = [];
  #sectionLength = Number.POSITIVE_INFINITY;
  #current: StagedWindow | undefined;
  #next: StagedWindow | undefined;
  #closed: Promise<void> | undefined;

  constructor(stage: StagedFrame, options: StagedCursorOptions) {
    this.#stage = stage;
    this.#options = options;
    stage.join(this);
  }

  async next(): Promise<ArrowIpcRow | undefined> {
    try {
      const row = await this.#pull();
      if (!this.#closed) return row;
    } catch (error) {
      if (!this.#closed) throw error;
    }
    throw sessionClosed();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = this.#close();
      this.#stage.session.client.trackStop(this.#closed.catch(() => {}));
    }
    return this.#closed;
  }

  async #pull(): Promise<ArrowIpcRow | undefined> {
    this.#windows ??= await this.#plan();
    for (;;) {
      this.#current ??= this.#takeNext() ?? this.#open();
      if (!this.#current) return undefined;
      const row = await this.#current.next();
      if (row) {
        this.#next ??= this.#open();
        this.#next?.start();
        return row;
      }
      await this.#current.close();
      this.#current = undefined;
      // With a next window in another section, the one before it was left.
      while (this.#sections.length > 1) {
        await this.#sections[0]!.remove();
        this.#sections.shift();
      }
    }
  }

  async #plan(): Promise<StagedPartition[][]> {
    const all = await this.#stage.partitions;
    const { choose, windowBytes, onLargePartition } = this.#options;
    const chosen = choose(all);
    for (const { id, rows, bytes } of chosen) {
      if (bytes > windowBytes) onLargePartition({ partition: id, rows, bytes, windowBytes });
    }
    const { rescans, mostPerQuery } = this.#stage.reading;
    const windows = windowsOf(chosen, windowBytes, mostPerQuery);
    if (rescans) this.#sectionLength = sectionLength(windows.length);
    return windows.length > 0 ? windows : [[]]; // a window without rows still has the schema
  }

  #takeNext(): StagedWindow | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  /** The window after those that were opened. */
  #open(): StagedWindow | undefined {
    const partitions = this.#closed ? undefined : this.#windows?.[this.#opened];
    if (!partitions) return undefined;
    const window = new StagedWindow(this.#source(), partitions, this.#rows, this.#options, this.#stage.packing);
    window.report.watch((progress) => this.report.tell(progress));
    this.#opened++;
    for (const { rows } of partitions) this.#rows += rows;
    return window;
  }

  /** What the window that is opened is read from. */
  #source(): PartitionSource {
    const length = this.#sectionLength;
    if (length === Number.POSITIVE_INFINITY) return this.#stage;
    if (this.#opened % length === 0) {
      const windows = this.#windows!.slice(this.#opened, this.#opened + length);
      this.#sections.push(new StagedSection(this.#stage, windows));
    }
    return this.#sections.at(-1)!;
  }

  async #close(): Promise<void> {
    const isWhole = this.#opened === this.#windows?.length && !this.#current;
    await Promise.all([this.#current?.close(), this.#next?.close()]);
    await Promise.all(this.#sections.map((section) => section.remove()));
    await this.#stage.leave(this, !isWhole);
  }
}
