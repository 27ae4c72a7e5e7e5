/**
 * From a file, an Arrow IPC stream of any number of batches, to rows, each a stream of one batch. Memory: one batch, whose
 * bytes are copied once, behind those of the schema.
 */
import { invalidIpc } from "../../arrow/decode/invalid-ipc.js";
import { batchLength, bodyStartAt, messageHeadAt } from "../../arrow/decode/message.js";
import { headerTypes, PREFIX_BYTES } from "../../arrow/format.js";
import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { FileBytes } from "./file-bytes.js";

const END_OF_STREAM = Buffer.from("ffffffff00000000", "hex");

/** @param skip rows that are left out @throws SparkStreamError INVALID_IPC, INCOMPLETE_RESULT or STORE_FAILED */
export async function* rowsOfFile(bytes: FileBytes, partition: number, skip = 0): AsyncGenerator<ArrowIpcRow, void> {
  const { file } = bytes;
  let schema: Buffer | undefined;
  let rows = 0;
  for (let head = await takeHead(bytes); head; head = await takeHead(bytes)) {
    const { type, header, bodyLength } = readHead(head);
    if (!schema) {
      if (type !== headerTypes.schema) throw invalidIpc(`${file.name} does not begin with a schema`);
      schema = head;
      continue;
    }
    if (type !== headerTypes.recordBatch) throw invalidIpc(`${file.name} has a message of type ${type}`);
    if (bodyLength > bytes.left) throw bytes.differs("it ends within a batch");
    const bodyStart = schema.length + head.length;
    const row = Buffer.allocUnsafeSlow(bodyStart + bodyLength + END_OF_STREAM.length);
    schema.copy(row);
    head.copy(row, schema.length);
    await bytes.fill(row.subarray(0, bodyStart + bodyLength), bodyStart);
    END_OF_STREAM.copy(row, bodyStart + bodyLength);
    const rowCount = batchLength(viewOf(head), header);
    const skipRows = Math.max(0, Math.min(rowCount, skip - rows));
    rows += rowCount;
    if (rowCount === skipRows) continue;
    yield {
      arrow_ipc_bytes: row,
      rowCount: rowCount - skipRows,
      partition,
      owned: true,
      ...(skipRows > 0 && { skipRows }),
    };
  }
  bytes.end();
  if (rows !== file.rows) throw bytes.differs(`it has ${rows} rows and not ${file.rows}`);
}

/** The prefix and the metadata of the next message; undefined at the mark of the end. */
async function takeHead(bytes: FileBytes): Promise<Buffer | undefined> {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  await bytes.fill(prefix);
  const length = bodyStartAt(viewOf(prefix), 0);
  if (length === undefined) return undefined;
  if (length - PREFIX_BYTES > bytes.left) throw bytes.differs("it ends within a message");
  const head = Buffer.allocUnsafe(length);
  prefix.copy(head);
  await bytes.fill(head, PREFIX_BYTES);
  return head;
}

function readHead(head: Buffer) {
  try {
    return messageHeadAt(viewOf(head), 0)!;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidIpc("the metadata of a message points beyond its end");
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
