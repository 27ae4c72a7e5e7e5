import type { Share } from "./share.js";

/** ms that a share must wait before a partition of another one is spilled for it. */
const STARVED_MS = 1_000;

/**
 * Helps a share that waits for a partition that no task sends. That task may have no slot, because tasks that wait for
 * another share, or for their turn, hold all slots. So the blocked partition with the lowest id is spilled to a
 * temporary file. To be called repeatedly: it may take several partitions until the right task gets a slot.
 */
export function relieveStarvation(shares: readonly Share[]): void {
  if (!shares.some(({ starvedMs }) => starvedMs > STARVED_MS)) return;
  const blocked = shares.flatMap((share) => {
    const partition = share.firstBlocked;
    return partition ? [{ share, partition }] : [];
  });
  const [first] = blocked.sort((a, b) => a.partition.id - b.partition.id);
  first?.share.spill(first.partition);
}
