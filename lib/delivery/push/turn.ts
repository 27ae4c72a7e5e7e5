import type { PushOptions } from "../../stream-options.js";

/**
 * The order in which partitions deliver their batches.
 *
 *   order "arrival"     one batch of each partition in turn, so that none is left behind
 *   order "partition"   one partition after the other, by id
 */
export type Order = NonNullable<PushOptions["order"]>;

/** The part of a partition that the turn depends on. */
export interface Waiting {
  readonly id: number;
  /** The number of batches that can be delivered. */
  readonly ready: number;
}

export interface Turn<P extends Waiting> {
  /** The partition of the next batch; undefined if none can be delivered yet. */
  next(): P | undefined;
  /** Whether a partition's batches are delivered as soon as they arrive. */
  isCurrent(id: number): boolean;
}

/** Partitions with batches that are still to arrive or to be delivered. */
type Live<P> = ReadonlyMap<number, P>;

export function arrivalTurn<P extends Waiting>(live: Live<P>): Turn<P> {
  let last = -1;
  return {
    next() {
      let [first, after]: (P | undefined)[] = [];
      for (const partition of live.values()) {
        if (partition.ready === 0) continue;
        if (!first || partition.id < first.id) first = partition;
        if (partition.id > last && (!after || partition.id < after.id)) after = partition;
      }
      const chosen = after ?? first;
      if (chosen) last = chosen.id;
      return chosen;
    },
    isCurrent: () => true,
  };
}

/** Makes the turn for partitions `first`, `first + step`, … */
export function partitionTurn<P extends Waiting>(
  live: Live<P>,
  isOver: (id: number) => boolean,
  first: number,
  step: number,
): Turn<P> {
  let current = first;
  const currentId = () => {
    while (isOver(current)) current += step;
    return current;
  };
  return {
    next() {
      const partition = live.get(currentId());
      return partition && partition.ready > 0 ? partition : undefined;
    },
    isCurrent: (id) => id === currentId(),
  };
}
