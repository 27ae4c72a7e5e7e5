import type { RecordBatch } from "apache-arrow";

/** Where in a result a batch comes from. */
export interface BatchInfo {
  /** Rows of the stream before this batch. */
  readonly rowOffset: number;
  /** The id of the partition that all rows of the batch are of; undefined where the delivery cannot tell. */
  readonly partition?: number;
}

const infos = new WeakMap<RecordBatch, BatchInfo>();

/**
 * Where a batch of a `sparkStream()` comes from; undefined for any other batch. It is known of the batch itself and not of
 * what was made from it, such as a slice.
 */
export function batchInfo(batch: RecordBatch): BatchInfo | undefined {
  return infos.get(batch);
}

export function setBatchInfo(batch: RecordBatch, info: BatchInfo): void {
  infos.set(batch, info);
}
