/**
 * The dictionary of a column chunk: each of its values once, in the order in which they first came. Bounded in bytes: a column
 * of more values is better off without one.
 */
import type { Values } from "./values.js";

export interface Dictionary<V extends Values = Values> {
  /** Values. */
  readonly size: number;
  /**
   * Finds the index of each value, and writes it to `indices` from `at` on. What is new comes in.
   *
   * @returns false if the dictionary became full on the way; it is of no more use then than to read what was written before
   */
  add(values: V, indices: Int32Array, at: number): boolean;
  /** All of them, by their index. */
  values(): V;
  /** Those of the indices. */
  take(indices: Int32Array): V;
  clear(): void;
}
