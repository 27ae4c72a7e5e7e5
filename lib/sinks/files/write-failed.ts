import { SparkStreamError } from "../../errors.js";

/** @param path the target as its user wrote it */
export function writeFailed(path: string, cause: NodeJS.ErrnoException): SparkStreamError {
  const why = reasons[cause.code ?? ""] ?? cause.message;
  const message = `Cannot write ${path}: ${why} (${cause.code ?? "unknown"}).`;
  return new SparkStreamError("WRITE_FAILED", message, { cause });
}

export function osError(code: string, message = reasons[code] ?? code): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** The error of what was stopped by its user. */
export function givenUp(): NodeJS.ErrnoException {
  return osError("ECANCELED", "writing was stopped");
}

const reasons: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "its directory does not exist",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  ELOOP: "its symbolic links form a circle",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
  EBUSY:
    "it is a mount point (a file mounted by Docker's -v, say), which cannot be replaced. Mount its directory, or pass a Writable: createWriteStream(path)",
};
