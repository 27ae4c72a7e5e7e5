import { byteCount, INT_MAX, isFilled, type OptionTable, oneOf, whole } from "../../runtime/check-options.js";

/**
 * Options of a writer whose target is a folder of files. Any of the first three makes it one. The folder appears when it is
 * complete: it is written beside its target and renamed, with an empty file `_SUCCESS` in it.
 */
export interface FolderOptions {
  /**
   * Columns whose values name folders, as Spark and Hive do: `day=2026-11-27/part-00000.parquet`. They leave the files. Text,
   * whole numbers, decimals, booleans and dates; null and an empty text are `__HIVE_DEFAULT_PARTITION__`.
   */
  partitionBy?: readonly string[];
  /** The most rows of a file, exactly. */
  maxRowsPerFile?: number;
  /** A file ends with the batch, or the row group of a Parquet file, that brings it to this many bytes. */
  maxBytesPerFile?: number;
  /**
   * How many files of different partitions are open at a time. A further one closes that which was written to longest ago;
   * later rows of that partition begin another file. Default: 100. With more partitions than that, sort the query by them.
   */
  maxOpenFiles?: number;
  /** The most folders that `partitionBy` may make; one more is an error. Default: 10,000. */
  maxPartitions?: number;
  /** What to do if the folder exists and is not empty. Default: "errorIfExists", before anything is written. */
  mode?: "errorIfExists" | "overwrite";
}

/** @internal */
export const folderDefaults = { maxOpenFiles: 100, maxPartitions: 10_000, mode: "errorIfExists" } as const;

/** @internal */
export const folderOptions: OptionTable<FolderOptions> = {
  partitionBy: [
    (names) =>
      Array.isArray(names) && names.length > 0 && names.every(isFilled) && new Set(names).size === names.length,
    "an array of the names of columns, each once",
  ],
  maxRowsPerFile: whole(1, Number.MAX_SAFE_INTEGER, "rows"),
  maxBytesPerFile: byteCount,
  maxOpenFiles: whole(1, 1024, "files"),
  maxPartitions: whole(1, INT_MAX, "partitions"),
  mode: oneOf("errorIfExists", "overwrite"),
};

/** @internal Whether the target is a folder. */
export function isFolder({ partitionBy, maxRowsPerFile, maxBytesPerFile }: FolderOptions): boolean {
  return partitionBy !== undefined || maxRowsPerFile !== undefined || maxBytesPerFile !== undefined;
}
