/**
 * The conversation with one task, after its proof (wire.ts). In: batches, each read when there is room for it. Out: the
 * batches, added to the task's partition.
 */
import type { Socket } from "node:net";
import type { SocketReader } from "../../tasks/socket-reader.js";
import type { Attempt } from "./pushed-partition.js";
import type { QueuedPartition } from "./queued-partition.js";
import type { Share } from "./share.js";
import type { Totals } from "./totals.js";
import { acknowledgement, goOn, HEADER_BYTES, heartbeat, readTaskMessage } from "./wire.js";

/** ms between two heartbeats to a waiting task, which gives up after several missing ones. */
const HEARTBEAT = 10_000;

export class TaskConnection implements Attempt {
  readonly number: number;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  #begin!: () => void;
  readonly #begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });

  constructor(attempt: number, socket: Socket, reader: SocketReader) {
    this.number = attempt;
    this.#socket = socket;
    this.#reader = reader;
  }

  goOn(batches: number): void {
    this.#socket.write(goOn(batches));
    this.#begin();
  }

  /**
   * Receives the task's messages until the connection ends; resolves then, whatever the reason.
   *
   * @throws SparkStreamError NOT_DETERMINISTIC, or WRITE_FAILED for a temporary file
   */
  async serve(partition: QueuedPartition, share: Share): Promise<void> {
    const { state } = partition;
    state.join(this);
    share.update(partition);
    try {
      await this.#holdingOn(this.#begun);
      await this.#receive(partition, share);
    } finally {
      this.#socket.destroySoon();
      state.leave(this);
      share.update(partition);
    }
  }

  async #receive(partition: QueuedPartition, share: Share): Promise<void> {
    const { state } = partition;
    for (;;) {
      const header = await this.#read(HEADER_BYTES);
      const message = header && readTaskMessage(header);
      if (!message) return;
      const { op, totals, length } = message;
      if (op === "end") {
        if (state.end(this, totals)) this.#socket.end(acknowledgement);
        return;
      }
      const isFit = op === "resumed" ? state.resumed(totals) : state.isNext(totals, length);
      if (!isFit || (op === "batch" && !(await this.#receiveBatch(partition, share, totals, length)))) return;
    }
  }

  /** Receives a batch. Resolves to whether it arrived. */
  async #receiveBatch(partition: QueuedPartition, share: Share, totals: Totals, length: number): Promise<boolean> {
    const room = share.room(partition, length);
    if (room) await this.#holdingOn(room);
    const bytes = await this.#read(length);
    const { id, state } = partition;
    const row = bytes && { arrow_ipc_bytes: bytes, rowCount: state.take(totals), partition: id, owned: true };
    await share.store(partition, length, row);
    return row !== undefined;
  }

  /** Reads bytes; undefined if the connection has ended. */
  #read(bytes: number): Promise<Buffer | undefined> {
    return this.#reader.read(bytes).catch(() => undefined);
  }

  /** Sends heartbeats to the task while it waits. */
  async #holdingOn<T>(what: Promise<T>): Promise<T> {
    const timer = setInterval(() => this.#socket.write(heartbeat), HEARTBEAT).unref();
    try {
      return await what;
    } finally {
      clearInterval(timer);
    }
  }
}
