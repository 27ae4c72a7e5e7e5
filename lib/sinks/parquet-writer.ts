/**
 * parquetWriter(): record batches to one Parquet file. In, apache-arrow RecordBatch; out, the file. Memory: see
 * parquet/parquet-encoder.ts.
 */
import type { Writable } from "node:stream";
import type { Schema } from "apache-arrow";
import {
  checkOptions,
  flag,
  INT_MAX,
  isBag,
  isText,
  type OptionTable,
  oneOf,
  whole,
} from "../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "./batch-encoding.js";
import { type BatchWritable, batchWriter } from "./batch-writer.js";
import { type FolderOptions, folderOptions, isFolder } from "./folder/folder-options.js";
import { folderWriter } from "./folder/folder-writer.js";
import { arrowSchemaKey, type ParquetCompression, parquetCompressions } from "./parquet/format.js";
import type { RowGroupLimits } from "./parquet/parquet-encoder.js";

/** Options of `parquetWriter()`. */
export interface ParquetWriterOptions extends BatchWriterOptions, FolderOptions {
  /** Default: "zstd". */
  compression?: ParquetCompression;
  /**
   * Rows per row group, exactly; the last one has the rest. Default: as many as come to 64 MiB of Arrow data, and 1,048,576
   * at most.
   */
  rowGroupRows?: number;
  /** Default: true. Columns of few values refer to a dictionary, up to 1 MiB of it a row group. */
  dictionary?: boolean;
  /** Default: true. The footer has the smallest and the largest value of each column and row group. */
  statistics?: boolean;
  /** Key-value pairs for the file's footer, beside those of the schema. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * A Writable (object mode) that writes the record batches it is given as one Parquet file.
 *
 * A path is written beside itself and renamed when complete: it is the old file, or none, until "finish", and a failed or
 * destroyed writer leaves nothing. A Writable is ended at the end, or destroyed with the error before the footer.
 *
 * Columns keep their type, nullability, metadata and exact values for a reader that knows Arrow; one that doesn't sees
 * durations as 64-bit integers. Data that can't be kept so is refused.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED (before the first batch where
 *   the path can't be written), UNSUPPORTED_TYPE and SCHEMA_MISMATCH naming the column, INVALID_INPUT for a chunk that is
 *   no RecordBatch, for values that don't fit their type, and for an end without any batch if no `schema` is given.
 */
export function parquetWriter(target: string | URL | Writable, options: ParquetWriterOptions = {}): BatchWritable {
  checkOptions("parquetWriter()", options, parquetOptions);
  const { compression = "zstd", rowGroupRows, dictionary = true, statistics = true, metadata = {} } = options;
  const load = async (files: number) => {
    const [{ ParquetEncoder }, { loadCodec }] = await Promise.all([
      import("./parquet/parquet-encoder.js"),
      import("./parquet/codec.js"),
    ]);
    const compress = await loadCodec(compression);
    const rowGroup = rowGroupOf(rowGroupRows, options.maxBytesPerFile);
    const encoderOptions = { compression, compress, rowGroup, dictionary, statistics, metadata, files };
    return (schema: Schema) => new ParquetEncoder(schema, encoderOptions);
  };
  if (isFolder(options)) return folderWriter(NAME, target, options, { extension: ".parquet", load });
  return batchWriter(NAME, target, options, load);
}

/** Bytes are those of Arrow data. */
const MOST_ROWS = 1024 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;

function rowGroupOf(rows: number | undefined, bytesPerFile: number = MOST_BYTES): RowGroupLimits {
  if (rows !== undefined) return { rows, bytes: Number.POSITIVE_INFINITY };
  return { rows: MOST_ROWS, bytes: Math.min(MOST_BYTES, bytesPerFile) };
}

const NAME = "parquetWriter";

const parquetOptions: OptionTable<ParquetWriterOptions> = {
  compression: oneOf(...parquetCompressions),
  rowGroupRows: whole(1, INT_MAX, "rows"),
  dictionary: flag,
  statistics: flag,
  metadata: [
    (metadata) => isBag(metadata) && !Object.hasOwn(metadata, arrowSchemaKey) && Object.values(metadata).every(isText),
    `an object of strings without the key ${arrowSchemaKey}, where the file's schema goes`,
  ],
  ...batchWriterOptions,
  ...folderOptions,
};
