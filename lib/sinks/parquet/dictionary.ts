/**
 * The dictionary of a column chunk: each different value once, in order of first occurrence. Its size in bytes is
 * bounded: a column with more values is smaller without a dictionary.
 */
import type { Values } from "./values.js";

export interface Dictionary<V extends Values = Values> {
  /** The number of values. */
  readonly size: number;
  /**
   * Finds the index of each value, and writes it to `indices` from `at` on. New values are added.
   *
   * @returns false if the dictionary became full; then it can only be used to read values added earlier
   */
  add(values: V, indices: Int32Array, at: number): boolean;
  /** All values, in order of their index. */
  values(): V;
  /** The values at these indices. */
  take(indices: Int32Array): V;
  clear(): void;
}
