/**
 * Bytes of text that are being written. What was taken is not changed any more: what comes next is written behind it, unless it is
 * known that nobody needs it.
 *
 * Memory: LARGEST, or twice that; less for a little text. A longer piece has its own, and little more than it needs.
 */
import { SparkStreamError } from "../../errors.js";

/** Bytes that are allocated at a time: so many first, then twice as many as the time before, up to the largest. */
const FIRST = 16 * 1024;
const LARGEST = 1024 * 1024;
/** Bytes that a piece can have: Node writes no more to a file at once. */
const MOST = 2 ** 31 - 1;
/** Bytes that are allocated beyond what a long piece needs. */
const MARGIN = 16 * LARGEST;
/** Copies of fewer bytes are faster one by one than by a call into Node. */
const FEW = 48;
/** The same for copies of four bytes at a time. */
const MANY = 256;

/** Text to copy from, as bytes and as a view of them. */
export interface TextBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function textBytes(bytes: Uint8Array): TextBytes {
  return { bytes, view: viewOf(bytes) };
}

export class TextBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST);
  view = viewOf(this.bytes);
  /** Where the next byte goes. */
  at = 0;
  #start = 0;
  /** Where the pieces before the last one were, once that is known to be free. */
  #spare: Buffer | undefined;

  /** Bytes that were written since the last `take()`. */
  get length(): number {
    return this.at - this.#start;
  }

  /**
   * Makes room for `count` bytes at `at`. Call it before writing them.
   *
   * @throws SparkStreamError INVALID_INPUT for a piece that is too long
   */
  ensure(count: number): void {
    if (this.at + count > this.bytes.length) this.#grow(count);
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    const piece = this.bytes.subarray(this.#start, this.at);
    if (this.bytes.length > 2 * LARGEST) this.#use(Buffer.allocUnsafeSlow(FIRST), 0);
    else this.#start = this.at;
    return piece;
  }

  /** Nobody needs what was taken so far, but for the last piece. */
  reuse(): void {
    if (this.length > 0) return;
    const spare = this.#spare ?? Buffer.allocUnsafeSlow(this.bytes.length);
    this.#spare = this.bytes;
    this.#use(spare, 0);
  }

  /** Takes back what was written beyond so many bytes since the last `take()`. */
  cut(length: number): void {
    this.at = this.#start + length;
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.at++] = value;
  }

  /** The bytes of `from` between two places. */
  copy(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.ensure(count);
    const { bytes } = this;
    let { at } = this;
    if (count > FEW) bytes.set(from.subarray(start, end), at);
    else for (let index = start; index < end; index++) bytes[at++] = from[index]!;
    this.at += count;
  }

  /** The same for bytes with a view of them: four at a time, unless a call into Node is worth it. */
  copyText({ bytes: from, view: words }: TextBytes, start: number, end: number): void {
    const count = end - start;
    this.ensure(count);
    const { bytes, view } = this;
    let { at } = this;
    this.at += count;
    if (count > MANY) {
      bytes.set(from.subarray(start, end), at);
      return;
    }
    let index = start;
    for (; index + 4 <= end; index += 4, at += 4) view.setInt32(at, words.getInt32(index));
    for (; index < end; index++) bytes[at++] = from[index]!;
  }

  /**
   * The bytes of `from` up to the first marked one.
   *
   * @param marked has 1 for each byte that is marked, else 0
   * @returns where that is; `end` if there is none
   */
  copyUnmarked(marked: Uint8Array, from: Uint8Array, start: number, end: number): number {
    this.ensure(end - start);
    const { bytes } = this;
    let { at } = this;
    let index = start;
    for (; index < end; index++) {
      const byte = from[index]!;
      if (marked[byte] !== 0) break;
      bytes[at++] = byte;
    }
    this.at = at;
    return index;
  }

  raw(from: Uint8Array): void {
    this.copy(from, 0, from.length);
  }

  /** @param text of ASCII characters */
  ascii(text: string): void {
    const { length } = text;
    this.ensure(length);
    const { bytes } = this;
    let { at } = this;
    if (length > FEW) bytes.write(text, at, "latin1");
    else for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.at += length;
  }

  utf8(text: string): void {
    const most = 3 * text.length;
    this.ensure(most < FIRST ? most : Buffer.byteLength(text));
    this.at += this.bytes.write(text, this.at);
  }

  #grow(count: number): void {
    const { length } = this;
    const needed = length + count;
    if (needed > MOST) {
      const message = "A row has more than 2 GiB of text. Leave out its largest column, or shorten it in the query.";
      throw new SparkStreamError("INVALID_INPUT", message);
    }
    const size = Math.min(2 * this.bytes.length, LARGEST);
    const bytes = Buffer.allocUnsafeSlow(needed < size ? size : needed + Math.min(needed, MARGIN));
    this.bytes.copy(bytes, 0, this.#start, this.at);
    this.#use(bytes, length);
  }

  /** @param length bytes that are in it already */
  #use(bytes: Buffer, length: number): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.#start = 0;
    this.at = length;
  }
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}
