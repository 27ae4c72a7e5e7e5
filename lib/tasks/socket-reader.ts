import type { Socket } from "node:net";

/**
 * Reads requested numbers of bytes from a socket. Between requests the socket is not read: the sender stops when the
 * system's buffer is full.
 *
 * Memory: at most 64 KiB that the last read returned beyond the requested bytes.
 */
export class SocketReader {
  readonly #socket: Socket;
  readonly #rest: Buffer[] = [];
  #wanted: { target: Buffer; filled: number; resolve(): void; reject(error: Error): void } | undefined;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#rest.push(chunk);
      this.#serve();
    });
    // The kind of error does not matter: the sender is gone before its last message.
    socket.on("error", () => {});
    socket.on("end", () => this.#close());
    socket.on("close", () => this.#close());
    socket.pause();
  }

  /** Rejects if the connection ends first. One call at a time. */
  async read(bytes: number): Promise<Buffer> {
    const target = Buffer.allocUnsafeSlow(bytes);
    await this.fill(target);
    return target;
  }

  fill(target: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wanted = { target, filled: 0, resolve, reject };
      this.#serve();
    });
  }

  #serve(): void {
    const wanted = this.#wanted;
    while (wanted && wanted.filled < wanted.target.length && this.#rest.length > 0) {
      const chunk = this.#rest[0]!;
      const copied = chunk.copy(wanted.target, wanted.filled);
      wanted.filled += copied;
      if (copied < chunk.length) this.#rest[0] = chunk.subarray(copied);
      else this.#rest.shift();
    }
    if (wanted && wanted.filled === wanted.target.length) {
      this.#wanted = undefined;
      this.#socket.pause();
      wanted.resolve();
    } else if (wanted && this.#closed) {
      this.#wanted = undefined;
      wanted.reject(new Error("The connection has ended."));
    } else if (wanted) this.#socket.resume();
    else this.#socket.pause();
  }

  #close(): void {
    this.#closed = true;
    this.#serve();
  }
}
