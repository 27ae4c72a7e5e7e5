/**
 * The protocol of a connection that pulls, behind its hello (tasks/claim.ts). Numbers are big-endian.
 *
 *   who    what       bytes
 *   task   reader     "S"  slot u64  stage u32     which part of the frame it computes, for which stage
 *   task   wants      "N"                    one more batch; as often as it has room
 *   Node   message    op u8  length u32  payload of that length
 *            .          heartbeat: the task has to wait
 *            B          record batches: one Arrow IPC stream
 *            E          the end: there are no more
 *            X          no more for this one: the code of an error, a space, and its message
 *   task   finished   "F"  rows u64          the rows that it has given to Spark
 */

export const READER = 0x53; // S
export const READER_BYTES = 12;
export const WANTS = 0x4e; // N
export const FINISHED = 0x46; // F
export const FINISHED_BYTES = 8;

export const heartbeat = message(".", 0);
export const end = message("E", 0);

/** What stands before a batch. */
export function batchHead(length: number): Buffer {
  return message("B", length);
}

export function refusal(code: string, text: string): Buffer {
  const payload = Buffer.from(`${code} ${text}`);
  return Buffer.concat([message("X", payload.length), payload]);
}

function message(op: string, length: number): Buffer {
  const head = Buffer.alloc(5);
  head.write(op, "latin1");
  head.writeUInt32BE(length, 1);
  return head;
}
