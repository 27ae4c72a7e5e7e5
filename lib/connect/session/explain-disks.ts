import { SparkStreamError } from "../../errors.js";

/** What Java, or Spark's DiskBlockManager, says where the directories of spark.local.dir take nothing. */
const DISK_TROUBLE =
  /No space left on device|Read-only file system|Disk quota exceeded|Failed to create local dir[^\n]*|(?:java\.\S+\.)?(?:FileSystem|NoSuchFile|FileNotFound)Exception: [^\n]*\bblockmgr-[^\n]*/;

/**
 * If Spark failed since the executors' disks cannot take what it keeps there, an error that says so; else the error itself.
 *
 * @param what that which is kept: "the staged frame"
 * @param instead what needs no disk, as a clause
 */
export function explainDisks(error: unknown, what: string, instead: string): unknown {
  if (!(error instanceof SparkStreamError)) return error;
  const reason = DISK_TROUBLE.exec(error.message)?.[0];
  if (reason === undefined) return error;
  const message = `The executors' disks (spark.local.dir) cannot take ${what}: ${reason}. Free space there, or ${instead}.`;
  const { errorClass, sqlState, operationId } = error;
  return new SparkStreamError("QUERY_FAILED", message, { cause: error, errorClass, sqlState, operationId });
}
