/**
 * A file that appears when it is complete: written beside its target under a hidden name, and renamed onto it. Until
 * then a file that was there before stays as it was, and a reader sees that one or none. In, bytes; nothing is held.
 *
 * The rename is the moment of truth: an abort before it leaves nothing behind, an abort after it comes too late. There is
 * no fsync, as with cp or PySpark: after a power cut the file may be missing or short.
 */
import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, type FileHandle, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SparkStreamError } from "../errors.js";
import type { ByteTarget } from "./byte-target.js";

export class AtomicFile implements ByteTarget {
  readonly #path: string;
  #target: string;
  #temporary = "";
  #file: FileHandle | undefined;
  #aborted = false;
  /** What is under way; never rejects. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#target = resolve(path);
  }

  /** @throws SparkStreamError WRITE_FAILED where the target can't be written: now, rather than at its end. */
  open(): Promise<void> {
    return this.#run(async () => {
      this.#target = await followLinks(this.#target);
      const existing = await statIfThere(this.#target);
      if (existing?.isDirectory()) throw osError("EISDIR", "it is a directory");
      if (existing && !existing.isFile())
        throw osError("EINVAL", "it is not a regular file; pass a Writable for a device or pipe");
      if (existing) await access(this.#target, constants.W_OK);
      // Readers of directories, Spark's too, skip names with a dot in front.
      this.#temporary = join(dirname(this.#target), `.spark-arrow-stream-${randomUUID()}.tmp`);
      this.#file = await open(this.#temporary, "wx");
      if (existing) await this.#file.chmod(existing.mode & 0o777);
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#run(async () => {
      await this.#file?.writeFile(bytes);
    });
  }

  commit(): Promise<void> {
    return this.#run(async () => {
      await this.#file?.close();
      this.#file = undefined;
      if (this.#aborted) throw givenUp();
      await rename(this.#temporary, this.#target);
      this.#temporary = "";
    });
  }

  async abort(): Promise<void> {
    this.#aborted = true;
    await this.#running;
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    if (this.#temporary !== "") await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #run(step: () => Promise<void>): Promise<void> {
    if (this.#aborted) throw this.#failed(givenUp());
    const running = step();
    this.#running = running.catch(() => {});
    await running.catch((error: unknown) => {
      throw this.#failed(error as NodeJS.ErrnoException);
    });
  }

  #failed(cause: NodeJS.ErrnoException): SparkStreamError {
    const why = reasons[cause.code ?? ""] ?? cause.message;
    return new SparkStreamError("WRITE_FAILED", `Cannot write ${this.#path}: ${why} (${cause.code ?? "unknown"}).`, {
      cause,
    });
  }
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
};

function givenUp(): NodeJS.ErrnoException {
  return osError("ECANCELED", "writing was given up");
}

function osError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** Renaming onto a symbolic link would replace the link; what it points to is meant, there or not. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? path : followLinks(resolve(dirname(path), link));
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
