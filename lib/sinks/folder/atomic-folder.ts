/**
 * A folder that appears when it is complete: written beside its target under a hidden name, and renamed onto it, with an empty
 * file `_SUCCESS` in it, as Spark writes one. Until then a folder that was there before stays as it was. In, files; nothing is
 * held.
 */
import { rmSync } from "node:fs";
import { mkdir, readdir, realpath, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { SparkStreamError } from "../../errors.js";
import type { ByteTarget, Target } from "../files/byte-target.js";
import { PlainFile } from "../files/plain-file.js";
import { removeLeftOvers, temporaryIn } from "../files/temporary-name.js";
import { givenUp, osError, writeFailed } from "../files/write-failed.js";
import type { FolderOptions } from "./folder-options.js";

const SUCCESS = "_SUCCESS";
/** Files that are removed at once. */
const QUICK = 256;

export class AtomicFolder implements Target {
  readonly #path: string;
  readonly #overwrite: boolean;
  #target: string;
  /** Empty as long as there is none. */
  #temporary = "";
  /** Those that are open. */
  readonly #files = new Set<ByteTarget>();
  /** How many there are. */
  #created = 0;
  #aborted = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(path: string, mode: FolderOptions["mode"]) {
    this.#path = path;
    this.#target = resolve(path);
    this.#overwrite = mode === "overwrite";
  }

  /** @throws SparkStreamError WRITE_FAILED, also for a folder that is not empty, unless it is to be replaced */
  open(): Promise<void> {
    return this.run(async () => {
      this.#target = await realpath(this.#target).catch(() => this.#target);
      await this.#existing();
      const parent = dirname(this.#target);
      const temporary = temporaryIn(parent);
      await mkdir(temporary);
      this.#temporary = temporary;
      await removeLeftOvers(parent);
    });
  }

  /**
   * A new file in the folder. The folder is made for it.
   *
   * @param wrap around the file, such as a compression
   */
  create(folder: string, name: string, wrap: (file: ByteTarget) => ByteTarget): Promise<ByteTarget> {
    return this.run(async () => {
      if (this.#aborted) throw givenUp();
      this.#created++;
      const directory = join(this.#temporary, folder);
      await mkdir(directory, { recursive: true });
      const file = wrap(new PlainFile(join(directory, name)));
      await file.open(() => {});
      this.#files.add(file);
      if (this.#aborted) throw givenUp();
      return file;
    });
  }

  /** Ends a file of the folder. */
  close(file: ByteTarget): Promise<void> {
    this.#files.delete(file);
    return this.run(() => file.commit());
  }

  commit(): Promise<void> {
    return this.run(async () => {
      await writeFile(join(this.#temporary, SUCCESS), "");
      if (this.#aborted) throw givenUp();
      const existing = await this.#existing();
      if (existing === "empty") await rmdir(this.#target);
      if (existing !== "full") await rename(this.#temporary, this.#target);
      else await this.#replace();
      this.#temporary = "";
    });
  }

  async #replace(): Promise<void> {
    const aside = temporaryIn(dirname(this.#target));
    await rename(this.#target, aside);
    try {
      await rename(this.#temporary, this.#target);
    } catch (error) {
      await rename(aside, this.#target);
      throw error;
    }
    await rm(aside, { recursive: true, force: true }).catch(() => {}); // it has a name that nobody reads
  }

  /** @throws if it is a file, or must not be replaced */
  async #existing(): Promise<"full" | "empty" | undefined> {
    const found = await stat(this.#target).catch(() => undefined);
    if (!found) return undefined;
    if (!found.isDirectory()) throw osError("EEXIST", "it is a file, and these options write a folder of files");
    if ((await readdir(this.#target)).length === 0) return "empty";
    if (this.#overwrite) return "full";
    throw osError("EEXIST", 'it exists and is not empty; mode: "overwrite" replaces it');
  }

  /**
   * The removal is synchronous if it is quick: a pipeline that fails says so without waiting for its streams to close, and then
   * nothing must be there.
   */
  async abort(): Promise<void> {
    this.#aborted = true;
    if (this.#created <= QUICK) this.#removeNow();
    await this.#running;
    await Promise.all([...this.#files].map((file) => file.abort(null)));
    this.#files.clear();
    if (this.#temporary === "") return;
    // Whatever was still under way when it was removed.
    await rm(this.#temporary, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    this.#temporary = "";
  }

  #removeNow(): void {
    if (this.#temporary === "") return;
    try {
      rmSync(this.#temporary, { recursive: true, force: true });
    } catch {
      // An open file, on some systems. It has a name that nobody reads.
    }
  }

  /** Something that reads or writes there. @throws SparkStreamError WRITE_FAILED */
  async run<T>(step: () => Promise<T>): Promise<T> {
    const running = step();
    this.#running = Promise.all([this.#running, running.catch(() => {})]);
    return await running.catch((error: NodeJS.ErrnoException | SparkStreamError) => {
      throw "syscall" in error || /^E[A-Z]+$/.test(error.code ?? "")
        ? writeFailed(this.#path, error as NodeJS.ErrnoException)
        : error;
    });
  }
}
