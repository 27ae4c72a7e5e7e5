/** What of a partition has gone over its connection, from its beginning on: equal for equal batches. */
export interface Totals {
  readonly rows: number;
  readonly batches: number;
  /** Bytes of Arrow data, as it travelled. */
  readonly bytes: number;
  /** SHA-256 of that data, as hex; undefined if there is none. */
  readonly digest: string | undefined;
}

export const nothing: Totals = { rows: 0, batches: 0, bytes: 0, digest: undefined };

export function sameTotals(a: Totals, b: Totals): boolean {
  return a.rows === b.rows && a.batches === b.batches && a.bytes === b.bytes && a.digest === b.digest;
}
