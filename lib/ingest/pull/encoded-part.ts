import type { Schema } from "apache-arrow";
import { columnBuffers, joinedBuffers } from "../../arrow/encode/column-buffers.js";
import { batchMessage, messageBytes, messagePieces, schemaMessage } from "../../arrow/encode/message.js";
import { endOfStream } from "../../arrow/format.js";
import type { LocalPart } from "../../connect/local-data/local-rows.js";
import type { EncodedBatch } from "./feed.js";

/** Parts of one schema as tasks take them: an Arrow IPC stream each, in pieces, which are views of the part's columns. */
export function partEncoder(schema: Schema): (part: LocalPart) => EncodedBatch {
  const head = messageBytes(schemaMessage(schema));
  return ({ length, columns }) => {
    const buffers = columns.map((data, index) => columnBuffers(data, schema.fields[index]!.type));
    const pieces = [head, ...messagePieces(batchMessage(joinedBuffers(length, buffers))), endOfStream];
    return { pieces, size: pieces.reduce((sum, piece) => sum + piece.length, 0), rows: length };
  };
}
