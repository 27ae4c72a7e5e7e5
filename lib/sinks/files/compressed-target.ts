/**
 * Compresses what goes to a target. Pieces of BLOCK bytes become gzip members, or zstd frames, one behind the other, which
 * all readers take for one file; each is compressed on another thread. Memory: a block, and its compressed bytes.
 */
import { type Compress, gzip, loadZstdCompress } from "../../arrow/codec/packages.js";
import { SparkStreamError } from "../../errors.js";
import type { ByteTarget } from "./byte-target.js";

export type TextCompression = "gzip" | "zstd";

/** Bytes. */
const BLOCK = 1024 * 1024;
/** The level of the zstd command line. */
const ZSTD_LEVEL = 3;

export class CompressedTarget implements ByteTarget {
  readonly #target: ByteTarget;
  readonly #name: TextCompression;
  #compress!: Compress;
  #block: Uint8Array[] = [];
  #bytes = 0;
  #empty = true;

  constructor(target: ByteTarget, name: TextCompression) {
    this.#target = target;
    this.#name = name;
  }

  /** @throws SparkStreamError UNSUPPORTED if zstd is not there */
  async open(onFailure: (error: Error) => void): Promise<void> {
    const [compress] = await Promise.all([this.#name === "gzip" ? gzip : loadZstd(), this.#target.open(onFailure)]);
    this.#compress = compress;
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

async function loadZstd(): Promise<Compress> {
  try {
    return await loadZstdCompress(ZSTD_LEVEL);
  } catch (cause) {
    const message =
      "zstd cannot be written: its optional package was not installed, or has no binary for this platform. Install " +
      '@toondepauw/node-zstd with npm, use Node 22.15 or later, or choose compression: "gzip".';
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}
