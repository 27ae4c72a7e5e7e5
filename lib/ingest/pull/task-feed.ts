/** The conversation with one attempt of a task, after its proof (wire.ts). In: batches. Out: the same, to the task. */
import type { Socket } from "node:net";
import type { SocketReader } from "../../tasks/socket-reader.js";
import { batchHead, end, FINISHED, FINISHED_BYTES, heartbeat, READER, READER_BYTES, refusal, WANTS } from "./wire.js";

/** ms between two heartbeats to a waiting task, which gives up after several missing ones. */
const HEARTBEAT = 10_000;

/** What decides which batch a task gets (feed.ts). */
export interface Giver {
  /** It has connected. */
  join(task: TaskFeed): void;
  /** It wants one more batch. */
  ask(task: TaskFeed): void;
  /** It has given Spark all that it got. */
  finished(task: TaskFeed, rows: number): void;
  /** Its connection has ended. */
  leave(task: TaskFeed): void;
}

export class TaskFeed {
  readonly partition: number;
  /** The part of the frame that it computes: the first number of it (RANGE_ROWS). */
  slot = -1;
  /** Whose attempt it is: a frame may stand more than once in a plan, and a stage may compute its input again for another one. */
  reader = "";
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #timer: NodeJS.Timeout;
  readonly #begun: Promise<Giver>;
  #begin!: (feed: Giver) => void;
  /** Batches: how many it asked for, and how many it was given. */
  asked = 0;
  given = 0;
  /** Whether there are no more for it behind those it was given. */
  ending = false;
  isOpen = true;

  constructor(partition: number, socket: Socket, reader: SocketReader) {
    this.partition = partition;
    this.#socket = socket;
    this.#reader = reader;
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#timer = setInterval(() => socket.write(heartbeat), HEARTBEAT).unref();
  }

  /** Now it may ask. */
  begin(feed: Giver): void {
    this.#begin(feed);
  }

  give(pieces: readonly Uint8Array[], size: number): void {
    this.given++;
    this.#socket.cork();
    this.#socket.write(batchHead(size));
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }

  end(): void {
    this.#socket.write(end);
  }

  /** Tells it, for the query that it is of, why it gets no more. */
  refuse(code: string, text: string): void {
    this.#socket.write(refusal(code, text.replace(/\s+/g, " ")));
  }

  /** Serves it until its connection ends, whatever the reason. Never rejects. */
  async serve(feed: Giver): Promise<void> {
    this.#socket.once("close", () => this.#ended(feed)); // also while it waits
    try {
      await this.#introduction();
      feed.join(this);
      const begun = await this.#begun;
      for (;;) {
        const [op] = await this.#reader.read(1);
        if (op === WANTS) begun.ask(this);
        else if (op === FINISHED) {
          begun.finished(this, Number((await this.#reader.read(FINISHED_BYTES)).readBigUInt64BE()));
        } else break;
      }
    } catch {
      // The connection has ended.
    }
    this.#socket.destroySoon();
    this.#ended(feed);
  }

  async #introduction(): Promise<void> {
    const [op] = await this.#reader.read(1);
    if (op !== READER) throw new Error("a task that does not say what it computes");
    const numbers = await this.#reader.read(READER_BYTES);
    this.slot = Number(numbers.readBigUInt64BE());
    this.reader = `${numbers.readUInt32BE(8)}.${this.partition}`;
  }

  #ended(feed: Giver): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearInterval(this.#timer);
    if (this.slot >= 0) feed.leave(this);
  }
}
