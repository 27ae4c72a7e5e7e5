import type { RecordBatch } from "apache-arrow";
import { checkArgument, isObject } from "../runtime/check-options.js";

/** A batch's place in the result. */
export interface BatchInfo {
  /** Rows of the stream before this batch. */
  readonly rowOffset: number;
  /** The id of the partition that all rows of the batch belong to; undefined if the delivery does not know it. */
  readonly partition?: number;
}

/** A class whose constructor returns its argument, so that a derived class adds its private fields to that object. */
class ReturnsArgument {
  constructor(given: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is the purpose of the class
    return given;
  }
}

/**
 * Puts a private field on a batch from outside. Nobody else can see the field, so the batch stays a plain one. A
 * WeakMap would do the same, but cost a tenth of the decoding of a batch of 1,000 rows, mostly in garbage collection.
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
 * Returns a batch's place in the result of its `sparkStream()`; undefined for any other batch, including a slice of one
 * of the stream's batches.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for a value that isn't an object
 */
export function batchInfo(batch: RecordBatch): BatchInfo | undefined {
  checkArgument("batchInfo()", "batch", batch, [isObject, "a RecordBatch"]);
  return BatchWithInfo.infoOf(batch);
}

/** Sets the place of a batch. May be called only once per batch. */
export function setBatchInfo(batch: RecordBatch, info: BatchInfo): void {
  new BatchWithInfo(batch, info);
}
