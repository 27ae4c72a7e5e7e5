import type { PushOptions } from "../../stream-options.js";

/**
 * Which partition may deliver its next batch.
 *
 *   order "arrival"     any; one batch of each in turn, so that none is left behind
 *   order "partition"   one after the other, by their ids
 */
export type Order = NonNullable<PushOptions["order"]>;

/** What a turn has to know of a partition. */
export interface Waiting {
  readonly id: number;
  /** Batches that can be delivered. */
  readonly ready: number;
}

export interface Turn<P extends Waiting> {
  /** The partition that the next batch is of; undefined if none can be delivered yet. */
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

/** For partitions that begin with `first` and are `step` apart. */
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
