import { SparkStreamError } from "../errors.js";
import { ChainReadable } from "./chain-readable.js";
import { endOfStream, IpcPieces, type Piece } from "./ipc-pieces.js";
import type { RowCursor } from "./row-source.js";

/** The Readable that `arrowIpcBytes()` returns, of bytes: one Arrow IPC stream. */
export class ArrowIpcBytes extends ChainReadable<Piece> {
  #schemaSent = false;

  /** @internal Use `arrowIpcBytes()`. */
  constructor(rows: RowCursor, readAheadBytes: number) {
    super({ rows, readAheadBytes, decoder: new IpcPieces(), empty: () => undefined }, { highWaterMark: 1 });
  }

  protected override hand({ bytes }: Piece): boolean {
    this.#schemaSent = true;
    return this.push(bytes);
  }

  protected override handEnd(): void {
    if (!this.#schemaSent) {
      const message = "The source has no rows at all, and so no schema, without which there is no Arrow stream.";
      this.destroy(new SparkStreamError("INVALID_INPUT", message));
      return;
    }
    this.push(endOfStream);
    this.push(null);
  }
}
