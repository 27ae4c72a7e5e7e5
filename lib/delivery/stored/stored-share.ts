/**
 * The partitions of one Readable: those with `id % count === index`, for `count` shares. In: the files of finished tasks, in
 * the order in which they are to be read. Out: ArrowIpcRow, one per batch.
 *
 * Several files are read at a time, so that one that is slow to come holds up only those behind it, and only if their order
 * counts. Memory: `limit` bytes of Arrow data as it is stored (compressed), here and in the chain, and one batch per open file.
 * Half of the limit is for files whose turn is later, so that they never take the room of the one that is wanted now.
 */
import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { RowCursor } from "../../chain/row-source.js";
import type { ReadableStore } from "../../store/store.js";
import type { ResultReport } from "../result/result-report.js";
import { FileBytes } from "./file-bytes.js";
import { rowsOfFile } from "./file-rows.js";
import type { StoredFile, StoredPartition } from "./stored-file.js";

/** Files that are read at a time. */
const OPEN_FILES = 4;

export interface StoredShareOptions {
  /** Bytes of Arrow data in memory. */
  readonly limit: number;
  readonly order: "partition" | "arrival";
  readonly report: ResultReport;
  /** Called when the share ends, whether or not it was read completely. */
  onClose(share: StoredShare): Promise<void>;
}

/** Where the files are. */
export interface StoredPlace {
  readonly store: ReadableStore;
  readonly directory: string;
}

interface Reading {
  readonly partition: number;
  readonly file: StoredFile;
  /** Rows at its start that are left out. */
  readonly skip: number;
  readonly rows: ArrowIpcRow[];
  /** Bytes of these rows. */
  held: number;
  begun: boolean;
  done: boolean;
  /** Called when there may be room for the next batch. */
  wake: (() => void) | undefined;
}

export class StoredShare implements RowCursor {
  readonly #options: StoredShareOptions;
  /** Those that are not delivered, in order. */
  readonly #readings: Reading[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #place: StoredPlace | undefined;
  #inChain = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  /** Whether any row was delivered; and the row to deliver if there are no others. */
  #begun = false;
  #last: ArrowIpcRow | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StoredShareOptions) {
    this.#options = options;
  }

  get report(): ResultReport {
    return this.#options.report;
  }

  /** Adds the files of a finished task. @param skip rows at the start of the partition that are left out */
  add(place: StoredPlace, { id, files }: StoredPartition, skip = 0): void {
    this.#place = place;
    let before = 0;
    for (const file of files) {
      const skipped = Math.max(0, skip - before);
      before += file.rows;
      if (before <= skip) continue;
      this.#readings.push({
        partition: id,
        file,
        skip: skipped,
        rows: [],
        held: 0,
        begun: false,
        done: false,
        wake: undefined,
      });
    }
    this.#changed();
  }

  /** To be called when all files were added. @param schema a row without data, for a share without rows */
  end(schema: ArrowIpcRow): void {
    this.#ended = true;
    this.#last = schema;
    this.#changed();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed();
  }

  async next(): Promise<ArrowIpcRow | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const row = this.#take();
      if (row) return row;
      if (this.#ended && this.#readings.length === 0) {
        const last = this.#begun ? undefined : this.#last;
        this.#begun = true;
        return last;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
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

  #take(): ArrowIpcRow | undefined {
    const reading = this.#current.find(({ rows }) => rows.length > 0);
    const row = reading?.rows.shift();
    if (!reading || !row) return undefined;
    const bytes = row.arrow_ipc_bytes.length;
    reading.held -= bytes;
    this.#inChain += bytes;
    this.#begun = true;
    this.#changed();
    return row;
  }

  /** The files whose turn it is. */
  get #current(): readonly Reading[] {
    return this.#readings.slice(0, this.#options.order === "arrival" ? OPEN_FILES : 1);
  }

  #changed(): void {
    if (this.#stop.signal.aborted) return;
    for (let index = 0; index < Math.min(OPEN_FILES, this.#readings.length); ) {
      const { done, rows } = this.#readings[index]!;
      if (done && rows.length === 0) this.#readings.splice(index, 1);
      else index++;
    }
    for (const reading of this.#readings.slice(0, OPEN_FILES)) {
      if (!this.#mayRead(reading)) continue;
      if (!reading.begun) this.#begin(reading);
      reading.wake?.();
      reading.wake = undefined;
    }
    this.#wake?.();
    this.#wake = undefined;
  }

  #mayRead(reading: Reading): boolean {
    const current = this.#current;
    const isCurrent = current.includes(reading);
    const same = isCurrent ? current : this.#readings.filter((each) => !current.includes(each));
    const held = same.reduce((sum, each) => sum + each.held, isCurrent ? this.#inChain : 0);
    return held < this.#options.limit / 2;
  }

  #begin(reading: Reading): void {
    reading.begun = true;
    const running = this.#read(reading)
      .catch((error: unknown) => this.fail(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #read(reading: Reading): Promise<void> {
    const { store, directory } = this.#place!;
    const { signal } = this.#stop;
    const bytes = new FileBytes(store, directory, reading.file, signal);
    try {
      for await (const row of rowsOfFile(bytes, reading.partition, reading.skip)) {
        if (signal.aborted) return;
        reading.rows.push(row);
        reading.held += row.arrow_ipc_bytes.length;
        // Set before the others are told: they may be what makes room.
        const room = new Promise<void>((resolve) => {
          reading.wake = resolve;
        });
        this.#changed();
        await room;
        if (signal.aborted) return;
      }
    } finally {
      bytes.close();
    }
    reading.done = true;
    this.#changed();
  }

  /** Ends all reads. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { wake } of this.#readings) wake?.();
    await Promise.all(this.#running);
  }

  async #close(): Promise<void> {
    await this.stop();
    await this.#options.onClose(this);
  }
}
