import type { Share } from "./share.js";

/** ms that a share has to wait before another one's partition makes room for it. */
const STARVED_MS = 1_000;

/**
 * If a share waits for a partition that nobody sends, it may be that its task has no slot, since others have it that
 * wait for another share, or for their turn. One of these, the first by its id, is then let go on, into a temporary file. To
 * be called now and then: it may take several until the right task has a slot.
 */
export function relieveStarvation(shares: readonly Share[]): void {
  if (!shares.some(({ starvedMs }) => starvedMs > STARVED_MS)) return;
  const blocked = shares.flatMap((share) => {
    const partition = share.firstBlocked;
    return partition ? [{ share, partition }] : [];
  });
  const [first] = blocked.sort((a, b) => a.partition.id - b.partition.id);
  first?.share.drain(first.partition);
}
