/**
 * An open hash table with linear probing. The number of slots is a power of two, and at most half of them are used. A
 * slot has the index of a value plus 1; 0 if it is free.
 */
export const INITIAL_SLOTS = 64;

/** A chain of this many other values is not a coincidence: the search ends. */
export const MAX_PROBES = 256;

/** The right shift from a hash to its slot: the upper bits are the mixed ones. */
export function shiftOf(slots: Int32Array): number {
  return Math.clz32(slots.length) + 1;
}

/** Doubles the slots, for the values from 0 to `count`. */
export function rehashed(slots: Int32Array, count: number, hashOf: (index: number) => number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * slots.length);
  const shift = shiftOf(grown);
  for (let index = 0; index < count; index++) {
    let slot = hashOf(index) >>> shift;
    while (grown[slot] !== 0) slot = (slot + 1) & (grown.length - 1);
    grown[slot] = index + 1;
  }
  return grown;
}
