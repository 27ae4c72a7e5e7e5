import type { RecordBatch, Vector } from "apache-arrow";
import { batchBuffers, type ColumnBuffers } from "../ipc/column-buffers.js";

export interface RowGroupLimits {
  readonly rows: number;
  /** Of Arrow data. */
  readonly bytes: number;
}

/**
 * The rows that wait to become a row group. In, record batches of any size; they are held, not copied, until the group
 * is full: at `limits.rows` exactly, or as soon as `limits.bytes` are reached.
 *
 * Memory: less than twice `limits.bytes`, unless one row is larger; and whatever else the batches' buffers hold alive.
 */
export class RowGroup {
  readonly #limits: RowGroupLimits;
  #rows = 0;
  #bytes = 0;
  #columns: ColumnBuffers[][];
  readonly #dictionaries = new Set<Vector>();

  constructor(columnCount: number, limits: RowGroupLimits) {
    this.#limits = limits;
    this.#columns = Array.from({ length: columnCount }, () => []);
  }

  get rows(): number {
    return this.#rows;
  }

  get full(): boolean {
    return this.#rows >= this.#limits.rows || this.#bytes >= this.#limits.bytes;
  }

  /**
   * Takes rows of the batch from row `start` on, as many as there is room for and one at least.
   *
   * @returns how many were taken.
   */
  add(batch: RecordBatch, start: number): number {
    let count = Math.min(batch.numRows - start, this.#limits.rows - this.#rows);
    for (;;) {
      const columns = batchBuffers(batch, start, count);
      const bytes = columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (bytes > this.#limits.bytes && count > 1) {
        // By the average row; where rows differ much in size it takes some more rounds.
        count = Math.max(1, Math.min(count - 1, Math.floor((count * this.#limits.bytes) / bytes)));
        continue;
      }
      for (const [index, column] of columns.entries()) this.#columns[index]!.push(column);
      this.#rows += count;
      this.#bytes += bytes + this.#newDictionaries(columns);
      return count;
    }
  }

  /** Hands out all columns, each as one piece per record batch, and is empty afterwards. */
  take(): { readonly rows: number; readonly columns: readonly (readonly ColumnBuffers[])[] } {
    const taken = { rows: this.#rows, columns: this.#columns };
    this.#rows = 0;
    this.#bytes = 0;
    this.#columns = this.#columns.map(() => []);
    this.#dictionaries.clear();
    return taken;
  }

  /** Bytes of the dictionaries that the group doesn't hold yet: batches share them. */
  #newDictionaries(columns: readonly ColumnBuffers[]): number {
    let bytes = 0;
    for (const dictionary of columns.flatMap((column) => [...column.dictionaries.values()])) {
      if (this.#dictionaries.has(dictionary)) continue;
      this.#dictionaries.add(dictionary);
      bytes += dictionary.byteLength;
    }
    return bytes;
  }
}
