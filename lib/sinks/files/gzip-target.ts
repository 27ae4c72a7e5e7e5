/**
 * Compresses what goes to a target, on another thread: one gzip member, since browsers read no more than the first. Memory:
 * what node:zlib has, and a piece of its output.
 */
import { once } from "node:events";
import { createGzip } from "node:zlib";
import type { ByteTarget } from "./byte-target.js";

/** Bytes of output that come at a time. */
const CHUNK = 64 * 1024;

export class GzipTarget implements ByteTarget {
  readonly #target: ByteTarget;
  readonly #gzip = createGzip({ chunkSize: CHUNK });
  #moved: Promise<void> = Promise.resolve();

  constructor(target: ByteTarget) {
    this.#target = target;
  }

  async open(onFailure: (error: Error) => void): Promise<void> {
    await this.#target.open(onFailure);
    this.#moved = this.#move();
    this.#moved.catch(() => {}); // the next write, or commit(), rejects with it
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#gzip.write(bytes)) await Promise.race([once(this.#gzip, "drain"), this.#moved]);
  }

  async commit(): Promise<void> {
    this.#gzip.end();
    await this.#moved;
    await this.#target.commit();
  }

  async abort(error: Error | null): Promise<void> {
    this.#gzip.on("error", () => {}); // who aborts has it
    this.#gzip.destroy();
    await this.#target.abort(error);
  }

  async #move(): Promise<void> {
    for await (const bytes of this.#gzip) await this.#target.write(bytes);
  }
}
