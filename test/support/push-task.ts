/** What a task does on its data connection, in Node, and what it may do wrong. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { nothing, type Totals } from "../../lib/delivery/push/totals.js";
import { SocketReader } from "../../lib/tasks/socket-reader.js";

export interface Peer {
  readonly port: number;
  readonly host?: string;
  /** Hex. */
  readonly secret: string;
  readonly tls?: boolean;
}

export interface Said {
  readonly op: string;
  readonly payload: Buffer;
}

export function proofOf(secret: string, ...said: Uint8Array[]): Buffer {
  const hmac = createHmac("sha256", Buffer.from(secret, "hex"));
  for (const bytes of said) hmac.update(bytes);
  return hmac.digest();
}

export function totalsOf(batches: readonly Uint8Array[], rowsPerBatch: number): Totals {
  if (batches.length === 0) return nothing;
  const digest = createHash("sha256");
  for (const batch of batches) digest.update(batch);
  const bytes = batches.reduce((sum, { length }) => sum + length, 0);
  return { rows: rowsPerBatch * batches.length, batches: batches.length, bytes, digest: digest.digest("hex") };
}

export function taskMessage(op: string, totals: Totals, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(61);
  header.write(op);
  header.writeUInt32BE(payload.length, 1);
  for (const [index, value] of [totals.rows, totals.batches, totals.bytes].entries()) {
    header.writeBigUInt64BE(BigInt(value), 5 + 8 * index);
  }
  header.write(totals.digest ?? "", 29, "hex");
  return Buffer.concat([header, payload]);
}

/** The messages of a whole partition. */
export function partitionMessages(batches: readonly Uint8Array[], rowsPerBatch: number, from = 0): Buffer[] {
  const messages = batches.map((batch, index) =>
    taskMessage("B", totalsOf(batches.slice(0, index + 1), rowsPerBatch), batch),
  );
  return [...messages.slice(from), taskMessage("E", totalsOf(batches, rowsPerBatch))];
}

export class PushTask implements Disposable {
  readonly socket: Socket;
  readonly #reader: SocketReader;
  private constructor(socket: Socket) {
    this.socket = socket;
    this.#reader = new SocketReader(socket);
  }

  static async connect({ port, host = "127.0.0.1", tls }: Omit<Peer, "secret">): Promise<PushTask> {
    const socket = tls ? connectTls({ port, host, rejectUnauthorized: false }) : connect({ port, host });
    await once(socket, tls ? "secureConnect" : "connect");
    return new PushTask(socket);
  }

  /** Connects and proves itself; rejects where Node does not let it. */
  static async proven(peer: Peer, partition: number, attempt = 0): Promise<PushTask> {
    const task = await PushTask.connect(peer);
    await task.prove(peer.secret, partition, attempt);
    return task;
  }

  /** Resolves when Node has closed the connection. To be asked for instead of anything else. */
  get closed(): Promise<unknown> {
    return this.read(2 ** 20).catch(() => {});
  }

  read(bytes: number): Promise<Buffer> {
    return this.#reader.read(bytes);
  }

  write(...pieces: Uint8Array[]): void {
    for (const piece of pieces) this.socket.write(piece);
  }

  async prove(secret: string, partition: number, attempt = 0): Promise<void> {
    const theirs = await this.read(32);
    const mine = randomBytes(32);
    this.write(helloOf(secret, theirs, mine, partition, attempt));
    const answer = await this.read(32);
    if (!answer.equals(proofOf(secret, Buffer.from("node"), mine, theirs))) throw new Error("Node has no proof.");
  }

  /** The next word of Node, signs of life included. */
  async heard(): Promise<Said> {
    const [op, size] = await this.read(2);
    return { op: String.fromCharCode(op!), payload: await this.read(size!) };
  }

  /** Sends a whole partition, as a task does; and what Node says at its end. */
  async send(batches: readonly Uint8Array[], rowsPerBatch: number): Promise<Said> {
    const { op, payload } = await this.heard();
    if (op !== "G") return { op, payload };
    const here = payload.readUInt32BE();
    if (here > 0) this.write(taskMessage("R", totalsOf(batches.slice(0, here), rowsPerBatch)));
    for (const message of partitionMessages(batches, rowsPerBatch, here)) {
      if (!this.socket.write(message)) await once(this.socket, "drain");
    }
    return await this.heard();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export function helloOf(secret: string, theirs: Buffer, mine: Buffer, partition: number, attempt: number): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(partition);
  numbers.writeUInt32BE(attempt, 4);
  const claim = Buffer.concat([Buffer.from("SAS1"), mine, numbers]);
  return Buffer.concat([claim, proofOf(secret, Buffer.from("task"), theirs, claim)]);
}
