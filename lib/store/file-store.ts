/** The store `file:`: a directory, usually a mount, that this process and all executors see at the same path. */
import { chmod, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SparkStreamError } from "../errors.js";
import type { Store, StoreExecutors, StoreRange } from "./store.js";

const CHUNK_BYTES = 256 * 1024;
/** What does not pass by itself. A file that is not there may only not be seen yet, as on NFS. */
const FINAL = new Set(["EACCES", "EPERM", "ENOTDIR", "EISDIR", "ELOOP"]);

export class FileStore implements Store {
  readonly uri: string;
  readonly executors: StoreExecutors;
  readonly timeoutMs: number | undefined;
  readonly #path: string;

  /** @param uri a `file:` URL without a host */
  constructor(uri: string, timeoutMs?: number) {
    this.uri = uri;
    this.timeoutMs = timeoutMs;
    this.#path = fileURLToPath(uri);
    this.executors = { filesystem: "fs.LocalFileSystem()", path: this.#path.replace(/\/+$/, "") };
  }

  /** All chunks of a read are in the same memory. */
  async *open(path: string, { start, end, signal }: StoreRange): AsyncGenerator<Uint8Array> {
    if (end === start) return;
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - start));
    try {
      await using file = await open(join(this.#path, path));
      for (let at = start; at < end; ) {
        const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, end - at), at);
        if (bytesRead === 0) return;
        signal.throwIfAborted();
        yield chunk.subarray(0, bytesRead);
        at += bytesRead;
      }
    } catch (error) {
      throw final(error);
    }
  }

  async list(): Promise<string[]> {
    const entries = await readdir(this.#path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** A task that still writes cannot make a file in a directory that is gone; until then it is tried again. */
  async remove(directory: string): Promise<void> {
    await rm(join(this.#path, directory), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }

  /**
   * The directory has the mode of the store's own, so that whoever may write there may write in it. It belongs to this
   * process, which may then remove the files of other users.
   */
  async create(directory: string): Promise<void> {
    const path = join(this.#path, directory);
    try {
      const { mode } = await stat(this.#path);
      await mkdir(path, { recursive: true }); // it is there if an earlier try was only slow
      await chmod(path, mode & 0o7777).catch(() => {}); // some mounts have no modes
    } catch (error) {
      throw final(error, "ENOENT"); // the store's own directory is missing
    }
  }
}

function final(error: unknown, another?: string): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return FINAL.has(code) || code === another ? new SparkStreamError("STORE_FAILED", message, { cause: error }) : error;
}
