/** Writers of text: to a file or a Writable, or to a folder of files; compressed, if the name or the options say so. */
import type { Writable } from "node:stream";
import type { NewEncoder } from "../../arrow/batch-encoder.js";
import { type OptionTable, oneOf } from "../../runtime/check-options.js";
import type { BatchWriterOptions } from "../batch-encoding.js";
import { type BatchWritable, batchWriter } from "../batch-writer.js";
import type { ByteTarget } from "../files/byte-target.js";
import { GzipTarget } from "../files/gzip-target.js";
import { pathOf } from "../files/target-of.js";
import { ZstdTarget } from "../files/zstd-target.js";
import { type FolderOptions, isFolder } from "../folder/folder-options.js";
import { folderWriter } from "../folder/folder-writer.js";

/** The codecs of text. */
export type TextCompression = "gzip" | "zstd";

export interface TextCompressionOptions {
  /** Default: by the ending of a path, `.gz` or `.zst`, else "none". */
  compression?: "none" | TextCompression;
}

/** @internal */
export const textCompressionOptions: OptionTable<TextCompressionOptions> = {
  compression: oneOf("none", "gzip", "zstd"),
};

const endings: Readonly<Record<"none" | TextCompression, string>> = { none: "", gzip: ".gz", zstd: ".zst" };

/**
 * @param extension of the files in a folder, with its dot
 * @throws SparkStreamError INVALID_ARGUMENT for a target that is none
 */
export function textWriter(
  name: string,
  extension: string,
  target: string | URL | Writable,
  options: BatchWriterOptions & FolderOptions & TextCompressionOptions,
  load: () => Promise<NewEncoder>,
): BatchWritable {
  const { compression = compressionOf(pathOf(target)) } = options;
  const wrap = (file: ByteTarget) => compressed(file, compression);
  if (!isFolder(options)) return batchWriter(name, target, options, load, wrap);
  return folderWriter(name, target, options, { extension: extension + endings[compression], load, wrap });
}

function compressed(file: ByteTarget, compression: "none" | TextCompression): ByteTarget {
  if (compression === "none") return file;
  return compression === "gzip" ? new GzipTarget(file) : new ZstdTarget(file);
}

/** The compression that the ending of a path names. */
export function compressionOf(path: string | undefined): "none" | TextCompression {
  if (path === undefined) return "none";
  return /\.gz$/i.test(path) ? "gzip" : /\.zst$/i.test(path) ? "zstd" : "none";
}
