/**
 * The decoder for `arrowIpcBytes()`, which decodes nothing: it joins the messages of all rows into one Arrow IPC
 * stream. In: rows, each a stream of its own. Out: the schema once, then all messages except schemas and end marks.
 * Pieces are views of the row.
 */
import type { Schema } from "apache-arrow";
import { inRow, invalidIpc } from "../arrow/decode/invalid-ipc.js";
import { batchLength, type MessageLocation, messageAt } from "../arrow/decode/message.js";
import { StreamSchema } from "../arrow/decode/stream-schema.js";
import { headerTypes } from "../arrow/format.js";
import { SparkStreamError } from "../errors.js";
import type { ArrowIpcRow, Counted } from "./arrow-ipc-row.js";
import type { RowDecoder } from "./decoder-stage.js";

/** One or more complete messages. */
export interface Piece extends Counted {
  readonly bytes: Uint8Array;
}

/** @internal */
export class IpcPieces implements RowDecoder<Piece> {
  readonly #stream = new StreamSchema();
  #rows = 0;

  get schema(): Schema | undefined {
    return this.#stream.schema;
  }

  empty(): undefined {}

  /** @throws SparkStreamError INVALID_IPC, SCHEMA_MISMATCH or UNSUPPORTED; the message names the row, counted from 0. */
  decode({ arrow_ipc_bytes: bytes, skipRows }: ArrowIpcRow): Piece[] {
    const index = this.#rows++;
    try {
      if (skipRows) throw withinBatch(skipRows);
      const known = this.schema !== undefined;
      const { view, first, same } = this.#stream.open(bytes);
      const from = known ? first.end : first.start;
      let [numRows, end] = [0, first.end];
      for (let next = messageAt(view, first.end); next !== undefined; next = messageAt(view, next.end)) {
        if (next.type === headerTypes.dictionaryBatch && !same) throw otherDictionaries();
        numRows += rowsOf(view, next);
        end = next.end;
      }
      return end === from ? [] : [{ numRows, bytes: bytes.subarray(from, end) }];
    } catch (error) {
      throw inRow(index, error);
    }
  }
}

function rowsOf(view: DataView, message: MessageLocation): number {
  if (message.type === headerTypes.dictionaryBatch) return 0;
  if (message.type !== headerTypes.recordBatch) {
    throw invalidIpc(`a message of type ${message.type} in the place of a record batch`);
  }
  return batchLength(view, message.header);
}

function withinBatch(rows: number): SparkStreamError {
  const message = `It begins within a batch, after ${rows} rows, and batches are not cut here. Begin at a batch, or use sparkStream().`;
  return new SparkStreamError("UNSUPPORTED", message);
}

function otherDictionaries(): SparkStreamError {
  const message = "Its schema is encoded differently from the first row's, and its dictionaries may have other ids.";
  return new SparkStreamError("SCHEMA_MISMATCH", message);
}
