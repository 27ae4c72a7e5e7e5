import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import { Spool } from "../../spool/spool.js";
import { PushedPartition } from "./pushed-partition.js";
import type { Waiting } from "./turn.js";

/** The size, in bytes, of the row count after a row in the temporary file. */
const ROW_COUNT_BYTES = 8;

/** A partition of a share: its state, and the queue of its rows. */
export class QueuedPartition implements Waiting {
  readonly id: number;
  readonly state: PushedPartition;
  readonly queue: Spool<ArrowIpcRow>;
  /** Bytes of the batch that is being read. */
  incoming = 0;
  spilled = false;
  /** Bytes delivered so far. */
  deliveredBytes = 0;
  readonly #heldBack: boolean;

  constructor(id: number, heldBack: boolean, hasRoom: () => boolean) {
    this.id = id;
    this.#heldBack = heldBack;
    this.state = new PushedPartition(id, () => void this.queue.close());
    this.queue = new Spool({
      sizeOf: ({ arrow_ipc_bytes }) => arrow_ipc_bytes.length,
      hasRoom: () => !(this.#heldBack || this.spilled) || hasRoom(),
      encode: encodeRow,
      decode: (record) => decodeRow(record, id),
    });
  }

  get ready(): number {
    return this.#heldBack && !this.state.complete ? 0 : this.queue.length;
  }
}

function encodeRow({ arrow_ipc_bytes, rowCount = 0 }: ArrowIpcRow): Uint8Array {
  const count = Buffer.alloc(ROW_COUNT_BYTES);
  count.writeDoubleBE(rowCount);
  return Buffer.concat([arrow_ipc_bytes, count]);
}

function decodeRow(record: Uint8Array, partition: number): ArrowIpcRow {
  const end = record.length - ROW_COUNT_BYTES;
  const rowCount = Buffer.from(record.buffer, record.byteOffset + end, ROW_COUNT_BYTES).readDoubleBE();
  return { arrow_ipc_bytes: record.subarray(0, end), rowCount, partition, owned: true };
}
