import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { SparkStreamError } from "../errors.js";

/** Whether a program's output, or the code of a system error, says that the disk is full. */
export function isDiskFull(text: string): boolean {
  return /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT|\[Errno (28|122)\]/.test(text);
}

/** Makes the error of an installation that ran out of disk space, in `dir` or where pip unpacks. */
export async function diskFull(what: string, dir: string): Promise<SparkStreamError> {
  const [there, temporary] = [await freeSpace(dir), await freeSpace(tmpdir())];
  const message =
    `${what}: the disk is full, or a quota is used up. Free space: ${there} at ${dir} and ${temporary} at ${tmpdir()}, ` +
    "where pip unpacks. A local Spark takes about 800 MB, and as much again during the installation. Free space, or set " +
    "other directories: SPARK_ARROW_STREAM_CACHE and TMPDIR.";
  return new SparkStreamError("INSTALL_FAILED", message);
}

async function freeSpace(dir: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return `${Math.floor((bavail * bsize) / 1e6)} MB`;
  } catch {
    return dirname(dir) === dir ? "unknown" : await freeSpace(dirname(dir)); // `dir` may not exist yet
  }
}
