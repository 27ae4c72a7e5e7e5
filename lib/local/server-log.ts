import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** The number of bytes at the end of the log that are read when the server has ended. */
const TAIL_BYTES = 64 * 1024;

/**
 * The server's output, in a file rather than a pipe: a pipe that is not read while this process is busy would block the
 * server. The open file outlives its directory, so the last lines can be read after the server has ended.
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

  /** The last lines, indented, without stack frames. */
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
