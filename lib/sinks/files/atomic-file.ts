/**
 * A file that appears when it is complete: written beside its target under a hidden name, and renamed onto it. Until
 * then a file that was there before stays as it was, and a reader sees that one or none. In, bytes; nothing is held.
 *
 * The rename is the moment of truth: an abort before it leaves nothing behind, an abort after it comes too late. There is
 * no fsync, as with cp or PySpark: after a power cut the file may be missing or short.
 */
import * as fs from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import type { SparkStreamError } from "../../errors.js";
import type { ByteTarget } from "./byte-target.js";
import { isMountPoint } from "./mount-point.js";
import { writeAll } from "./plain-file.js";
import { removeLeftOvers, temporaryIn } from "./temporary-name.js";
import { givenUp, osError, writeFailed } from "./write-failed.js";

const close = promisify(fs.close);

export class AtomicFile implements ByteTarget {
  readonly keepsNone = true;
  readonly #path: string;
  #target: string;
  #temporary = "";
  /** -1 if it is not open. */
  #descriptor = -1;
  #aborted = false;
  /** What is under way; never rejects. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#target = resolve(path);
  }

  /**
   * Synchronous, as is the removal: a pipeline that fails says so without waiting for its streams to close, and then
   * nothing must be in the directory.
   *
   * @throws SparkStreamError WRITE_FAILED if the target can't be written: now, rather than at its end.
   */
  open(): Promise<void> {
    return this.#run(async () => {
      this.#target = followLinks(this.#target);
      const existing = fs.statSync(this.#target, { throwIfNoEntry: false });
      if (existing?.isDirectory()) throw osError("EISDIR", "it is a directory");
      if (existing && !existing.isFile()) {
        throw osError("EINVAL", "it is not a regular file; pass a Writable for a device or pipe");
      }
      if (existing && isMountPoint(this.#target)) throw osError("EBUSY");
      // Renaming asks for rights on the directory alone; a file that may not be written is not to be replaced either.
      if (existing) fs.closeSync(fs.openSync(this.#target, "r+"));
      const directory = dirname(this.#target);
      const temporary = temporaryIn(directory);
      this.#descriptor = fs.openSync(temporary, "wx");
      this.#temporary = temporary;
      if (existing) keepOwner(this.#descriptor, existing);
      await removeLeftOvers(directory);
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#run(() => writeAll(this.#descriptor, bytes));
  }

  commit(): Promise<void> {
    return this.#run(async () => {
      await this.#close();
      if (this.#aborted) throw givenUp();
      await rename(this.#temporary, this.#target);
      this.#temporary = "";
    });
  }

  async abort(): Promise<void> {
    this.#aborted = true;
    this.#remove();
    await this.#running;
    await this.#close().catch(() => {});
    this.#remove(); // if the system would not remove an open file
  }

  #remove(): void {
    if (this.#temporary === "") return;
    try {
      fs.rmSync(this.#temporary, { force: true });
    } catch {
      // It has a name that nobody reads.
    }
  }

  async #close(): Promise<void> {
    if (this.#descriptor === -1) return;
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    await close(descriptor);
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
    return writeFailed(this.#path, cause);
  }
}

/** The owner, the group and the rights of the file that is replaced, as far as this process may set them. */
function keepOwner(descriptor: number, { uid, gid, mode }: fs.Stats): void {
  const own = fs.fstatSync(descriptor);
  for (const [user, group] of [
    [uid, gid],
    [own.uid, gid], // a process that is not root may give a file to a group of its own
  ] as const) {
    if (own.uid === user && own.gid === group) break;
    try {
      fs.fchownSync(descriptor, user, group);
      break;
    } catch {
      // The replaced file's directory is this process's, and the file was not.
    }
  }
  fs.fchmodSync(descriptor, mode & 0o777); // after the owner, which may clear some
}

/** Renaming onto a symbolic link would replace the link; what it points to is meant, there or not. */
function followLinks(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (!fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return path;
  return followLinks(resolve(dirname(path), fs.readlinkSync(path)));
}
