import { endOfStream } from "../arrow/format.js";
import { SparkStreamError } from "../errors.js";
import { type SparkStreamOptions, streamDefaults } from "../stream-options.js";
import { ChainReadable } from "./chain-readable.js";
import type { RowDecoder } from "./decoder-stage.js";
import type { Piece } from "./ipc-pieces.js";
import type { RowCursor } from "./row-source.js";

/** The Readable of bytes that `arrowIpcBytes()` returns: one Arrow IPC stream. */
export class ArrowIpcBytes extends ChainReadable<Piece, Uint8Array> {
  #schemaSent = false;

  /** @internal Use `arrowIpcBytes()`. */
  constructor(rows: RowCursor, { readAheadBytes = streamDefaults.readAheadBytes, signal }: SparkStreamOptions = {}) {
    super({ rows, readAheadBytes, loadDecoder }, { highWaterMark: 1, signal });
  }

  /** @internal */
  protected override hand({ bytes }: Piece): boolean {
    this.#schemaSent = true;
    return this.push(bytes);
  }

  /** @internal */
  protected override missingAtEnd(): Error | undefined {
    if (this.#schemaSent) return undefined;
    const message = "The source has no rows and therefore no schema, and an Arrow stream needs a schema.";
    return new SparkStreamError("INVALID_INPUT", message);
  }

  /** @internal */
  protected override handEnd(): void {
    this.push(endOfStream);
    this.push(null);
  }
}

/** Loads the decoder with the first stream, since it needs apache-arrow to read the schema. */
async function loadDecoder(): Promise<RowDecoder<Piece>> {
  const { IpcPieces } = await import("./ipc-pieces.js");
  return new IpcPieces();
}
