import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Bytes at the end of the log that are looked at when the server has ended. */
const TAIL_BYTES = 64 * 1024;

/**
 * What the server prints, kept in a file rather than a pipe: a pipe that nobody empties while this process is busy would
 * bring the server to a halt. The open file outlives its directory, so that the last lines can be read when all is over.
 */
export class ServerLog {
  readonly fd: number;
  #closed = false;

  constructor(path: string) {
    this.fd = openSync(path, "a+", 0o600);
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }

  /** The end of the log. */
  tail(): string {
    const length = Math.min(this.size, TAIL_BYTES);
    const bytes = Buffer.alloc(length);
    readSync(this.fd, bytes, 0, length, this.size - length);
    return bytes.toString("utf8");
  }

  /** The last lines that say something, indented; stack frames do not. */
  lastLines(count = 20): string {
    const lines = this.tail().split("\n");
    const telling = lines.filter((line) => line.trim() && !/^\s+(at |\.\.\. \d+ more)/.test(line));
    return telling
      .slice(-count)
      .map((line) => `  ${line.length > 500 ? `${line.slice(0, 500)}…` : line}`)
      .join("\n");
  }

  close(): void {
    if (!this.#closed) closeSync(this.fd);
    this.#closed = true;
  }
}
