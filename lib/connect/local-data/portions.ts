/**
 * Rows as Arrow IPC streams of a bounded size, each of which Spark reads by itself. In: parts of columns. Out: bytes.
 *
 * Rows may be packed: a list of rows, ARRAY<STRUCT<…>>, in place of each few of them, which SQL's inline() makes rows of
 * again, on the executors. Spark keeps each row of a local relation as an object of its own, in the driver, and sends it to
 * the tasks like that; 32 in one take a quarter of the time.
 *
 * Memory: one portion, and the part that is added to it.
 */
import { Field, List, Schema, Struct } from "apache-arrow";
import { brokenColumn, type ColumnBuffers, columnBuffers, joinedBuffers } from "../../arrow/encode/column-buffers.js";
import { batchMessage, messageBytes, messageLength, messagePieces, schemaMessage } from "../../arrow/encode/message.js";
import { endOfStream } from "../../arrow/format.js";
import type { ArtifactBytes } from "../rpc/artifact.js";
import { breathe, type LocalPart, type LocalRows } from "./local-rows.js";
import { nullColumn } from "./null-column.js";

/** The name of the column of packed rows. */
export const PACKED = "rows";

export interface PortionOptions {
  /** Bytes that a portion has at most, unless one part alone has more. */
  readonly maxBytes: number;
  /** Whether the server reads all record batches of a stream. Servers before August 2025 keep only the first. */
  readonly severalBatches: boolean;
  /** Rows that are packed into one; 1: none. */
  readonly pack: number;
}

/** @throws SparkStreamError as LocalRows, and INVALID_INPUT for a column that is broken; AbortError */
export async function* portions(
  rows: LocalRows,
  { maxBytes, severalBatches, pack }: PortionOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<ArtifactBytes> {
  const { fields } = rows.schema;
  const head = messageBytes(schemaMessage(pack > 1 ? packedSchema(fields) : rows.schema));
  let pieces: Uint8Array[] = [];
  let size = 0;
  const portion = (): ArtifactBytes => {
    const all = { pieces: [head, ...pieces, endOfStream], size: head.length + size + endOfStream.length };
    pieces = [];
    size = 0;
    return all;
  };
  for await (const part of partsOf(rows, signal)) {
    const columns = joinedBuffers(part.length, buffersOf(part, fields));
    const message = batchMessage(pack > 1 ? packed(columns, pack) : columns);
    const length = messageLength(message);
    if (size > 0 && (!severalBatches || size + length > maxBytes)) yield portion();
    for (const piece of messagePieces(message)) {
      pieces.push(piece);
      await breathe(signal);
    }
    size += length;
  }
  yield portion();
}

/** The parts; one without rows if there are none, since Spark wants a batch. */
async function* partsOf(rows: LocalRows, signal: AbortSignal | undefined): AsyncGenerator<LocalPart> {
  let any = false;
  for await (const part of rows.parts(signal)) {
    any = true;
    yield part;
  }
  if (!any) yield { length: 0, columns: rows.schema.fields.map(({ type }) => nullColumn(type, 0)) };
}

function buffersOf({ columns }: LocalPart, fields: readonly Field[]): ColumnBuffers[] {
  return columns.map((data, index) => {
    const { name, type } = fields[index]!;
    try {
      return columnBuffers(data, type);
    } catch (cause) {
      throw brokenColumn(`Column \`${name}\``, cause);
    }
  });
}

/** A struct of Arrow's Java library has one field of each name. */
export function canPack({ fields }: Schema): boolean {
  return fields.length > 0 && new Set(fields.map(({ name }) => name)).size === fields.length;
}

function packedSchema(fields: readonly Field[]): Schema {
  const row = new Field("element", new Struct([...fields]), false);
  return new Schema([new Field(PACKED, new List(row), false)]);
}

const none = new Uint8Array(0);

/** The columns as those of a struct, in lists of so many rows. */
function packed(columns: ColumnBuffers, pack: number): ColumnBuffers {
  const lists = Math.ceil(columns.length / pack);
  const offsets = Int32Array.from({ length: lists + 1 }, (_, list) => Math.min(list * pack, columns.length));
  return {
    ...columns,
    length: lists,
    nodes: [lists, 0, columns.length, 0, ...columns.nodes],
    buffers: [none, new Uint8Array(offsets.buffer), none, ...columns.buffers],
  };
}
