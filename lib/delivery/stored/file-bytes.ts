/**
 * The bytes of one file of a store, read in order and checked against what its task reported. A read that fails goes on where
 * it stopped, after a pause: so does one that the store has cut while the consumer slept.
 *
 * Memory: one chunk of the store.
 */
import { createHash } from "node:crypto";
import { incompleteResult, SparkStreamError } from "../../errors.js";
import { untilAborted } from "../../runtime/abort.js";
import type { ReadableStore } from "../../store/store.js";
import { tryAgain } from "../../store/try-again.js";
import type { StoredFile } from "./stored-file.js";

export class FileBytes {
  readonly file: StoredFile;
  readonly #store: ReadableStore;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #hash = createHash("sha256");
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #chunk: Uint8Array = new Uint8Array();
  /** Bytes of the file that have come, and that were taken. */
  #read = 0;
  #taken = 0;

  constructor(store: ReadableStore, directory: string, file: StoredFile, signal: AbortSignal) {
    this.#store = store;
    this.#path = `${directory}/${file.name}`;
    this.file = file;
    this.#signal = signal;
  }

  /** Bytes that were not taken yet. */
  get left(): number {
    return this.file.bytes - this.#taken;
  }

  /**
   * Fills the target from `from` on.
   *
   * @throws SparkStreamError INCOMPLETE_RESULT if the file has fewer bytes; STORE_FAILED
   */
  async fill(target: Uint8Array, from = 0): Promise<void> {
    if (target.length - from > this.left) throw this.differs("it ends within a message");
    for (let at = from; at < target.length; ) {
      if (this.#chunk.length === 0) this.#chunk = await this.#next();
      const piece = this.#chunk.subarray(0, target.length - at);
      target.set(piece, at);
      this.#chunk = this.#chunk.subarray(piece.length);
      at += piece.length;
      this.#taken += piece.length;
    }
  }

  /** To be called when all was taken. @throws SparkStreamError INCOMPLETE_RESULT */
  end(): void {
    this.close();
    if (this.left > 0) throw this.differs(`${this.left} bytes follow its end mark`);
    if (this.#hash.digest("hex") !== this.file.sha256) throw this.differs("its SHA-256 is another");
  }

  /** Ends a read that is under way. */
  close(): void {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    // Not waited for: a store that heeds no signal may be waiting for bytes.
    chunks?.return?.().catch(() => {});
  }

  differs(how: string): SparkStreamError {
    return incompleteResult(`${this.#store.uri}/${this.#path} is not the file that its task wrote: ${how}`);
  }

  async #next(): Promise<Uint8Array> {
    try {
      return await tryAgain(() => this.#tryNext(), this.#signal);
    } catch (error) {
      throw this.#signal.aborted ? error : this.#unread(error);
    }
  }

  async #tryNext(): Promise<Uint8Array> {
    try {
      const chunk = await this.#nextOfStore();
      this.#read += chunk.length;
      if (this.#read > this.file.bytes) throw this.differs("it has more bytes");
      this.#hash.update(chunk);
      return chunk;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #nextOfStore(): Promise<Uint8Array> {
    if (!this.#chunks) {
      const range = { start: this.#read, end: this.file.bytes, signal: this.#signal };
      const opening = Promise.resolve(this.#store.open(this.#path, range));
      this.#chunks = (await untilAborted(this.#signal, opening))[Symbol.asyncIterator]();
    }
    for (;;) {
      const { done, value } = await untilAborted(this.#signal, this.#chunks.next());
      if (done) throw new EndedEarly(this.#read);
      if (value.length > 0) return value;
    }
  }

  #unread(error: unknown): SparkStreamError {
    if (error instanceof EndedEarly) return this.differs(`it ends after ${error.bytes} of ${this.file.bytes} bytes`);
    if (error instanceof SparkStreamError && error.code !== "STORE_FAILED") return error;
    const message = `This process cannot read ${this.#store.uri}/${this.#path}: ${(error as Error).message}`;
    return new SparkStreamError("STORE_FAILED", message, { cause: error });
  }
}

class EndedEarly extends Error {
  readonly bytes: number;

  constructor(bytes: number) {
    super("The file has ended.");
    this.bytes = bytes;
  }
}
