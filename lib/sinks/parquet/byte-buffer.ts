/** A growing buffer to which bytes are appended; its allocation is reused after `clear()`. */
export class ByteBuffer {
  /** At least `length` bytes; replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 0) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes, and returns where they begin. */
  grow(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, 2 * this.bytes.length, 64));
      grown.set(this.bytes.subarray(0, start));
      this.bytes = grown;
    }
    return start;
  }

  byte(byte: number): void {
    const start = this.grow(1); // may replace this.bytes
    this.bytes[start] = byte;
  }

  append(bytes: Uint8Array): void {
    const start = this.grow(bytes.length);
    this.bytes.set(bytes, start);
  }

  /** Appends one byte `count` times. */
  fill(byte: number, count: number): void {
    const start = this.grow(count);
    this.bytes.fill(byte, start, start + count);
  }

  /** An unsigned LEB128 number, below 2^53. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** A view, until more is appended. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
