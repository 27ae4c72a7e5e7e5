/**
 * Compresses what goes to a target, on another thread: a zstd frame for each BLOCK of it, one behind the other, which readers
 * take for one file. Not as one stream, which Node's zstd has from 22.15 on only. Memory: a block, and its frame.
 */
import { type Compress, loadZstdCompress } from "../../arrow/codec/packages.js";
import { SparkStreamError } from "../../errors.js";
import type { ByteTarget } from "./byte-target.js";

/** Bytes. */
const BLOCK = 1024 * 1024;
/** That of the zstd command line. */
const LEVEL = 3;

export class ZstdTarget implements ByteTarget {
  readonly #target: ByteTarget;
  #compress!: Compress;
  #block: Uint8Array[] = [];
  #bytes = 0;
  #empty = true;

  constructor(target: ByteTarget) {
    this.#target = target;
  }

  /** @throws SparkStreamError UNSUPPORTED if zstd is not there */
  async open(onFailure: (error: Error) => void): Promise<void> {
    [this.#compress] = await Promise.all([load(), this.#target.open(onFailure)]);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#block.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= BLOCK) await this.#flush();
  }

  async commit(): Promise<void> {
    if (this.#bytes > 0 || this.#empty) await this.#flush();
    await this.#target.commit();
  }

  async abort(error: Error | null): Promise<void> {
    await this.#target.abort(error);
  }

  async #flush(): Promise<void> {
    const block = Buffer.concat(this.#block, this.#bytes);
    this.#block = [];
    this.#bytes = 0;
    this.#empty = false;
    await this.#target.write(await this.#compress(block));
  }
}

async function load(): Promise<Compress> {
  try {
    return await loadZstdCompress(LEVEL);
  } catch (cause) {
    const message =
      "zstd cannot be written: its optional package was not installed, or has no binary for this platform. Install " +
      '@toondepauw/node-zstd with npm, use Node 22.15 or later, or choose compression: "gzip".';
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}
