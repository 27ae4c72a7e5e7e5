/**
 * arrowWriter(): record batches to one Arrow IPC file or stream. In, apache-arrow RecordBatch; out, bytes that any Arrow
 * library reads. Memory: see arrow/encode/arrow-encoder.ts.
 */
import type { Writable } from "node:stream";
import type { Schema } from "apache-arrow";
import { checkOptions, type OptionTable, oneOf } from "../runtime/check-options.js";
import { type BatchWriterOptions, batchWriterOptions } from "./batch-encoding.js";
import { type BatchWritable, batchWriter } from "./batch-writer.js";
import { type FolderOptions, folderOptions, isFolder } from "./folder/folder-options.js";
import { folderWriter } from "./folder/folder-writer.js";

/** Options of `arrowWriter()`. */
export interface ArrowWriterOptions extends BatchWriterOptions, FolderOptions {
  /**
   * "file" ends with a footer, for random access; "stream" can be read while it is written. Default: "stream" for a Writable
   * and for a path that ends in `.arrows`, else "file".
   */
  format?: "file" | "stream";
}

/**
 * A Writable (object mode) that writes the record batches it is given in Arrow's IPC format, batch by batch as they come.
 * Every column keeps its type, nullability, metadata and values.
 *
 * A path is written beside itself and renamed when complete, as with {@link parquetWriter}. For a result that is to be
 * forwarded as it is, `arrowIpcBytes` is cheaper.
 *
 * @param target a path, a file: URL, or a Writable that takes bytes.
 * @throws SparkStreamError INVALID_ARGUMENT at the call. Errors of the stream: WRITE_FAILED, TARGET_CLOSED, SCHEMA_MISMATCH naming the
 *   column, UNSUPPORTED_TYPE for a dictionary that changes in the course of a file, INVALID_INPUT for a chunk that is no
 *   RecordBatch.
 */
export function arrowWriter(target: string | URL | Writable, options: ArrowWriterOptions = {}): BatchWritable {
  checkOptions("arrowWriter()", options, arrowOptions);
  const stream = (typeof target === "object" && !(target instanceof URL)) || /\.arrows$/i.test(String(target));
  const { format = stream ? "stream" : "file" } = options;
  const load = async () => {
    const { ArrowEncoder } = await import("../arrow/encode/arrow-encoder.js");
    return (schema: Schema) => new ArrowEncoder(schema, format);
  };
  if (!isFolder(options)) return batchWriter(NAME, target, options, load);
  return folderWriter(NAME, target, options, { extension: format === "file" ? ".arrow" : ".arrows", load });
}

const NAME = "arrowWriter";

const arrowOptions: OptionTable<ArrowWriterOptions> = {
  format: oneOf("file", "stream"),
  ...batchWriterOptions,
  ...folderOptions,
};
