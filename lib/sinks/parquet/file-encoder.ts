/**
 * A Parquet file, row group by row group. In, apache-arrow RecordBatch; out, bytes.
 *
 * Memory: one row group of Arrow data, and one of its columns while that is encoded. A batch is taken over at once while
 * its row group is being filled; the batch that fills it is done when the group is encoded and its bytes are with the
 * target. Encoding happens on this thread: a column of 64 MiB takes about a second, between columns others get a turn.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder } from "../batch-writer.js";
import type { ParquetWriterOptions } from "../parquet-writer.js";
import { ParquetEncoder } from "./parquet-encoder.js";
import { RowGroup, type RowGroupLimits } from "./row-group.js";

const defaultLimits: RowGroupLimits = { rows: 1024 * 1024, bytes: 64 * 1024 * 1024 };

/** Cuts batches into row groups. */
export class ParquetFileEncoder implements BatchEncoder {
  readonly #encoder: ParquetEncoder;
  readonly #group: RowGroup;

  constructor(schema: Schema, { compression = "zstd", rowGroupRows, metadata = {} }: ParquetWriterOptions) {
    const limits = rowGroupRows === undefined ? defaultLimits : { rows: rowGroupRows, bytes: Number.POSITIVE_INFINITY };
    this.#encoder = new ParquetEncoder(schema, compression, metadata);
    this.#group = new RowGroup(schema.fields.length, limits);
  }

  *batch(batch: RecordBatch): Generator<Uint8Array> {
    for (let row = 0; row < batch.numRows; ) {
      row += this.#group.add(batch, row);
      if (this.#group.full) yield* this.#flush();
    }
  }

  *finish(): Generator<Uint8Array> {
    if (this.#group.rows > 0) yield* this.#flush();
    yield this.#encoder.finish();
  }

  #flush(): Generator<Uint8Array> {
    const { rows, columns } = this.#group.take();
    return this.#encoder.rowGroup(rows, columns);
  }
}
