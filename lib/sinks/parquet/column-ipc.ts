/**
 * One column, over the record batches of a row group, as an Arrow IPC stream: the form in which parquet-wasm takes data.
 * The buffers are copied once and into one allocation of the column's size.
 */
import { type Field, Schema, type Vector } from "apache-arrow";
import type { ColumnBuffers } from "../ipc/column-buffers.js";
import { batchMessage, endOfStream, messageBytes, newDictionaries, schemaMessage } from "../ipc/message.js";

/** A stream of the schema alone. */
export function schemaIpc(schema: Schema): Uint8Array {
  return messageBytes([schemaMessage(schema)], endOfStream);
}

/** A stream of one column; each of `pieces` becomes a record batch. */
export function columnIpc(field: Field, pieces: readonly ColumnBuffers[]): Uint8Array {
  const messages = [schemaMessage(new Schema([field]))];
  const written = new Map<number, Vector>();
  for (const piece of pieces) {
    messages.push(...newDictionaries(piece, written), batchMessage(piece));
  }
  return messageBytes(messages, endOfStream);
}
