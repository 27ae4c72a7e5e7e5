/**
 * The smallest and the largest value of a column chunk, as readers compare them to skip row groups (parquet.thrift,
 * ColumnOrder).
 */
import type { BooleanValues, Values } from "./values.js";

/** The smallest and the largest value, in the encoding PLAIN without a length. */
export interface Range {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

export interface Statistics<V extends Values = Values> {
  add(values: V): void;
  /** The range; undefined if there is none, or none that helps readers. */
  range(): Range | undefined;
}

export class BooleanStatistics implements Statistics<BooleanValues> {
  #anyFalse = false;
  #anyTrue = false;

  add({ booleans }: BooleanValues): void {
    this.#anyFalse ||= booleans.includes(0);
    this.#anyTrue ||= booleans.includes(1);
  }

  range(): Range | undefined {
    if (!this.#anyFalse && !this.#anyTrue) return undefined;
    return { min: Uint8Array.of(this.#anyFalse ? 0 : 1), max: Uint8Array.of(this.#anyTrue ? 1 : 0) };
  }
}
