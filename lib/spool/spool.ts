/**
 * A queue of items that were received before the consumer asked for them: in memory while there is room, then in a
 * temporary file.
 */
import { SpillFile } from "./spill-file.js";

export interface SpoolOptions<T> {
  /** The size of an item in memory, in bytes. */
  sizeOf(item: T): number;
  /** Whether memory has room for `bytes` in addition to the `held` bytes. */
  hasRoom(bytes: number, held: number): boolean;
  /** Encodes an item for the file. */
  encode(item: T): Uint8Array;
  decode(record: Uint8Array): T;
}

export class Spool<T> {
  readonly #options: SpoolOptions<T>;
  readonly #memory: T[] = [];
  #held = 0;
  #file: SpillFile | undefined;
  #filed = 0;
  /** Settles when all earlier calls have settled: an item pushed while the last one is taken must not be lost. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SpoolOptions<T>) {
    this.#options = options;
  }

  get length(): number {
    return this.#memory.length + this.#filed;
  }

  /** Bytes in memory. */
  get held(): number {
    return this.#held;
  }

  /** Whether a temporary file is in use. */
  get spilled(): boolean {
    return this.#file !== undefined;
  }

  /** Whether the next item must be read from the file. */
  get nextIsFiled(): boolean {
    return this.#memory.length === 0 && this.#filed > 0;
  }

  /** Takes the oldest item synchronously, if it is in memory. */
  shiftFromMemory(): T | undefined {
    const item = this.#memory.shift();
    if (item !== undefined) this.#held -= this.#options.sizeOf(item);
    return item;
  }

  push(item: T): Promise<void> {
    return this.#inTurn(() => this.#push(item));
  }

  shift(): Promise<T | undefined> {
    return this.#inTurn(() => this.#shift());
  }

  /** Drops the remaining items. May be called twice. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #push(item: T): Promise<void> {
    const size = this.#options.sizeOf(item);
    if (this.#file === undefined && this.#options.hasRoom(size, this.#held)) {
      this.#memory.push(item);
      this.#held += size;
      return;
    }
    this.#file ??= await SpillFile.create();
    await this.#file.append(this.#options.encode(item));
    this.#filed++;
  }

  async #shift(): Promise<T | undefined> {
    const item = this.shiftFromMemory();
    if (item !== undefined) return item;
    const record = await this.#file?.take();
    if (!record) return undefined;
    this.#filed--;
    if (this.#filed === 0) await this.#close();
    return this.#options.decode(record);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#filed = 0;
    this.#memory.length = 0;
    this.#held = 0;
    await file?.close();
  }
}
