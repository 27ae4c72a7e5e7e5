import type { ColumnBuffers } from "../../arrow/encode/column-buffers.js";

/** Reads the field nodes and buffers of a column in their order: depth first. */
export class ColumnCursor {
  readonly column: ColumnBuffers;
  #node = 0;
  #buffer = 0;
  #variadic = 0;

  constructor(column: ColumnBuffers) {
    this.column = column;
  }

  /** Length of the next field. */
  length(): number {
    const length = this.column.nodes[this.#node]!;
    this.#node += 2;
    return length;
  }

  buffer(): Uint8Array {
    return this.column.buffers[this.#buffer++]!;
  }

  /** The data buffers of a field of views. */
  variadicBuffers(): Uint8Array[] {
    const count = this.column.variadicCounts[this.#variadic++]!;
    return Array.from({ length: count }, () => this.buffer());
  }
}
