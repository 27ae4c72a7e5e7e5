/**
 * The protocol of a connection that pushes, behind its hello (tasks/claim.ts). Numbers are big-endian, `t` is a totals block (below).
 *
 *   who    what       bytes
 *   Node   message    op u8  size u8  payload of that size
 *            .          heartbeat: the task has to wait
 *            G          go on: batches u32, the number received; the task sends the batches after them
 *            A          all of the task's batches were received
 *   task   message    op u8  length u32  t, which includes this message, and a payload of that length
 *            R          the totals of the batches that Node has received; not sent if there are none
 *            B          a record batch: one Arrow IPC stream
 *            E          the end
 *
 *   totals             rows u64  batches u64  bytes u64  digest 32 (zeros: none)
 */
import { nothing, type Totals } from "./totals.js";

const TOTALS_BYTES = 56;
export const HEADER_BYTES = 5 + TOTALS_BYTES;

export interface TaskMessage {
  readonly op: "resumed" | "batch" | "end";
  /** The size of the payload that follows, in bytes. */
  readonly length: number;
  readonly totals: Totals;
}

const ops: Readonly<Record<string, TaskMessage["op"]>> = { R: "resumed", B: "batch", E: "end" };

/** Reads the header of a task's message; undefined for bytes that are not one. */
export function readTaskMessage(header: Buffer): TaskMessage | undefined {
  const op = ops[header.toString("latin1", 0, 1)];
  return op && { op, length: header.readUInt32BE(1), totals: readTotals(header, 5) };
}

function readTotals(bytes: Buffer, at: number): Totals {
  const [rows, batches, size] = [0, 8, 16].map((field) => Number(bytes.readBigUInt64BE(at + field)));
  const digest = batches === 0 ? nothing.digest : bytes.toString("hex", at + 24, at + TOTALS_BYTES);
  return { rows: rows!, batches: batches!, bytes: size!, digest };
}

export const heartbeat = nodeMessage(".", Buffer.alloc(0));
export const acknowledgement = nodeMessage("A", Buffer.alloc(0));

export function goOn(batches: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(batches);
  return nodeMessage("G", payload);
}

function nodeMessage(op: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(op), Buffer.of(payload.length), payload]);
}
