import { ByteBuffer } from "./byte-buffer.js";
import { bitWidth, writeRleHybrid, writeRleRun } from "./rle-hybrid.js";

/** The definition or the repetition levels of one page. */
export class PageLevels {
  readonly #max: number;
  readonly #levels = new ByteBuffer();
  /** The level of all entries, as long as they have the same. */
  #common: number | undefined;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @param levels a number if all `count` levels are equal */
  append(levels: number | Uint8Array, count: number): void {
    if (this.#max === 0 || count === 0) return;
    if (this.#count === 0 && typeof levels === "number") this.#common = levels;
    if (this.#common === undefined || this.#common !== levels) this.#write(levels, count);
    this.#count += count;
  }

  #write(levels: number | Uint8Array, count: number): void {
    if (this.#common !== undefined) this.#levels.fill(this.#common, this.#count);
    this.#common = undefined;
    if (typeof levels === "number") this.#levels.fill(levels, count);
    else this.#levels.append(levels);
  }

  /** Writes the levels as in a version 1 page, a u32 with the number of bytes and then the bytes, and clears them. */
  takeTo(out: ByteBuffer): void {
    if (this.#max === 0) return;
    const start = out.grow(4);
    const width = bitWidth(this.#max);
    if (this.#common !== undefined) writeRleRun(out, this.#common, this.#count, width);
    else writeRleHybrid(out, this.#levels.view(), this.#count, width);
    new DataView(out.bytes.buffer).setUint32(start, out.length - start - 4, true);
    this.#levels.clear();
    this.#common = undefined;
    this.#count = 0;
  }
}
