/**
 * A temporary file to which records are appended, and from which they are taken in order. It is unlinked as soon as it
 * is open, so that no file remains, however the process ends. Where that is impossible (Windows), the file is removed
 * when it is closed, and a file left by a crash is removed when the next one is opened.
 *
 * The directory has a predictable name within a world-writable one. It is used only if it is a directory that this user
 * owns and nobody else can enter. Otherwise, for example if it is a symbolic link, the file gets a new directory.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, lstat, mkdir, mkdtemp, open, readdir, rmdir, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SparkStreamError } from "../errors.js";
import { noFilesAdvice, noFilesLeft } from "../runtime/open-files.js";
import { isLeftBehind, processMark } from "../runtime/process-mark.js";

/** One directory per user, so that users do not block each other. */
export const spillDirectory = join(tmpdir(), `spark-arrow-stream-${process.getuid?.() ?? "user"}`);
const NAME = /^spill-[0-9a-f-]+$/;
const LENGTH_BYTES = 4;

export class SpillFile {
  readonly #file: FileHandle;
  readonly #path: string | undefined;
  readonly #taken = { at: 0 };
  #writeAt = 0;

  /** @throws SparkStreamError WRITE_FAILED */
  static async create(): Promise<SpillFile> {
    return await create().catch((error) => Promise.reject(writeFailed(error)));
  }

  /** @internal Use `SpillFile.create()`. @param path of a file that has to be removed in the end */
  constructor(file: FileHandle, path: string | undefined) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws SparkStreamError WRITE_FAILED */
  async append(record: Uint8Array): Promise<void> {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(record.length);
    const at = this.#writeAt;
    this.#writeAt += LENGTH_BYTES + record.length;
    const { bytesWritten } = await this.#file
      .writev([length, record], at)
      .catch((error) => Promise.reject(writeFailed(error)));
    if (bytesWritten < LENGTH_BYTES + record.length) throw writeFailed(new Error("the disk is full"));
  }

  /**
   * Takes the oldest record; undefined if there is none.
   *
   * @throws SparkStreamError INCOMPLETE_RESULT if the file cannot be read
   */
  take(): Promise<Uint8Array | undefined> {
    return this.#next(this.#taken);
  }

  /** Reads the records from the first one on, without taking them. @returns as {@link take} */
  reader(): () => Promise<Uint8Array | undefined> {
    const position = { at: 0 };
    return () => this.#next(position);
  }

  async #next(position: { at: number }): Promise<Uint8Array | undefined> {
    if (position.at === this.#writeAt) return undefined;
    try {
      const length = (await this.#read(LENGTH_BYTES, position.at)).readUInt32LE();
      const record = await this.#read(length, position.at + LENGTH_BYTES);
      position.at += LENGTH_BYTES + length;
      return record;
    } catch (error) {
      throw readFailed(error as Error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
    if (this.#path !== undefined) await remove(this.#path);
  }

  async #read(length: number, at: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) throw new Error("it is truncated");
      done += bytesRead;
    }
    return bytes;
  }
}

async function create(): Promise<SpillFile> {
  const directory = await ownDirectory();
  const path = join(directory, `spill-${processMark()}-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  const removed = await remove(path).then(
    () => true,
    () => false,
  );
  return new SpillFile(file, removed ? undefined : path);
}

/** A directory that only this user can enter. */
async function ownDirectory(): Promise<string> {
  await mkdir(tmpdir(), { recursive: true });
  await mkdir(spillDirectory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(spillDirectory);
  const posix = process.getuid !== undefined;
  const own = found.isDirectory() && (!posix || (found.uid === process.getuid!() && (found.mode & 0o077) === 0));
  if (!own) return await mkdtemp(`${spillDirectory}-`); // mode 0700
  await removeLeftOvers();
  return spillDirectory;
}

/** Removes a file, and its directory if that was made for it. */
async function remove(path: string): Promise<void> {
  await unlink(path);
  if (dirname(path) !== spillDirectory) await rmdir(dirname(path)).catch(() => {});
}

function writeFailed(error: Error): SparkStreamError {
  const advice = noFilesLeft(error.message)
    ? noFilesAdvice
    : "Free space there, or set TMPDIR to a directory that has more";
  const message = `Rows that a slow consumer has not read yet could not be written to ${spillDirectory}: ${error.message}. ${advice}.`;
  return new SparkStreamError("WRITE_FAILED", message, { cause: error });
}

function readFailed(cause: Error): SparkStreamError {
  const message = `Rows that were kept in a temporary file cannot be read back: ${cause.message}. Run the query again.`;
  return new SparkStreamError("INCOMPLETE_RESULT", message, { cause });
}

async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(spillDirectory)) {
    if (NAME.test(name) && isLeftBehind(name)) await unlink(join(spillDirectory, name)).catch(() => {});
  }
}
