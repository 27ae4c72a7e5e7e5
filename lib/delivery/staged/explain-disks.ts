import { SparkStreamError } from "../../errors.js";

/** What Java, or Spark's DiskBlockManager, says where the directories of spark.local.dir take nothing. */
const DISK_TROUBLE =
  /No space left on device|Read-only file system|Disk quota exceeded|Failed to create local dir[^\n]*/;

/** If staging failed since the executors' disks cannot take it, an error that says so; else the error itself. */
export function explainDisks(error: unknown): unknown {
  if (!(error instanceof SparkStreamError)) return error;
  const reason = DISK_TROUBLE.exec(error.message)?.[0];
  if (reason === undefined) return error;
  const message = `The executors' disks (spark.local.dir) cannot take the staged frame: ${reason}. Free space there, or use delivery: "result".`;
  const { errorClass, sqlState, operationId } = error;
  return new SparkStreamError("QUERY_FAILED", message, { cause: error, errorClass, sqlState, operationId });
}
