import type { RecordBatch } from "apache-arrow";
import { checkArgument, isObject } from "../runtime/check-options.js";

/** Where in a result a batch comes from. */
export interface BatchInfo {
  /** Rows of the stream before this batch. */
  readonly rowOffset: number;
  /** The id of the partition that all rows of the batch are of; undefined if the delivery cannot tell. */
  readonly partition?: number;
}

/** Its constructor returns its argument, so that a derived class adds its private fields to that object. */
class ReturnsArgument {
  constructor(given: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is the purpose of the class
    return given;
  }
}

/**
 * A private field put on a batch from outside: nobody else can see it, so that the batch is as plain as before. A WeakMap
 * would do the same, and cost a batch of 1,000 rows a tenth of its decoding, in garbage collections above all.
 */
class BatchWithInfo extends ReturnsArgument {
  readonly #info: BatchInfo;

  constructor(batch: RecordBatch, info: BatchInfo) {
    super(batch);
    this.#info = info;
  }

  static infoOf(batch: RecordBatch): BatchInfo | undefined {
    return #info in batch ? batch.#info : undefined;
  }
}

/**
 * Where a batch of a `sparkStream()` comes from; undefined for any other batch. It is known of the batch itself and not of
 * what was made from it, such as a slice.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for a value that isn't an object
 */
export function batchInfo(batch: RecordBatch): BatchInfo | undefined {
  checkArgument("batchInfo()", "batch", batch, [isObject, "a RecordBatch"]);
  return BatchWithInfo.infoOf(batch);
}

/** Once per batch. */
export function setBatchInfo(batch: RecordBatch, info: BatchInfo): void {
  new BatchWithInfo(batch, info);
}
