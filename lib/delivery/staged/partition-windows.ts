/** One partition of a staged frame. */
export interface StagedPartition {
  readonly id: number;
  readonly rows: number;
  /** Bytes of Arrow data, as Spark counts them; see row-bytes-sql.ts. */
  readonly bytes: number;
}

/**
 * Groups partitions, in order, so that no group is over the budget of bytes unless it is one partition.
 *
 * @param most partitions per group
 */
export function windowsOf(
  partitions: readonly StagedPartition[],
  budget: number,
  most = Number.POSITIVE_INFINITY,
): StagedPartition[][] {
  const windows: StagedPartition[][] = [];
  let room = 0;
  for (const partition of partitions) {
    if (windows.length === 0 || partition.bytes > room || windows.at(-1)!.length === most) {
      windows.push([]);
      room = budget;
    }
    windows.at(-1)!.push(partition);
    room -= partition.bytes;
  }
  return windows;
}

/**
 * Shares partitions out, in order: as many shares as asked for, some of which are empty if there are fewer partitions,
 * and of about the same bytes.
 */
export function sharesOf(partitions: readonly StagedPartition[], count: number): StagedPartition[][] {
  const shares: StagedPartition[][] = Array.from({ length: count }, () => []);
  const total = totalBytes(partitions);
  let before = 0;
  for (const partition of partitions) {
    // The position of its middle. A frame without any bytes may have rows.
    const position = total === 0 ? 0 : (before + partition.bytes / 2) / total;
    shares[Math.min(Math.floor(position * count), count - 1)]!.push(partition);
    before += partition.bytes;
  }
  return shares;
}

export function totalBytes(partitions: readonly StagedPartition[]): number {
  return partitions.reduce((sum, { bytes }) => sum + bytes, 0);
}
