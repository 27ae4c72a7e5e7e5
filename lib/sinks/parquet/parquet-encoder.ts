/**
 * Record batches to the bytes of a Parquet file, by parquet-wasm. In, row groups; out, the file's bytes in order.
 * Memory: one column of a row group, about three times over (its IPC stream, parquet-wasm's copy, the encoded chunk), and
 * the metadata of all row groups so far.
 *
 * parquet-wasm's own stream, `transformParquetStream`, is not used. It ignores every error of its encoder: a record batch
 * that can't be written is silently missing from a file that looks complete, a type that can't be written gives a file
 * without rows, a failing source a file that ends early; and a panic is thrown where nobody can catch it, while the
 * stream never ends. `writeParquet` is synchronous and throws. So each column of a row group is made a small file of its
 * own by it, and the column chunks are put together here. It also keeps the event loop free between columns, keeps
 * the memory of WebAssembly, which never shrinks, at the size of one column, and leaves nothing under way at a destroy.
 */
import { type Field, Schema } from "apache-arrow";
import type { WriterProperties } from "parquet-wasm";
import { SparkStreamError } from "../../errors.js";
import type { ColumnBuffers } from "../ipc/column-buffers.js";
import { columnIpc, schemaIpc } from "./column-ipc.js";
import { codecs, type ParquetCompression } from "./file-options.js";
import { type ColumnChunks, columnChunks, FooterBuilder, type PlacedChunks, parquetMagic } from "./footer.js";
import { parquetWasm, replaceParquetWasm } from "./parquet-wasm.js";
import { unsupportedField } from "./unsupported-field.js";

export class ParquetEncoder {
  readonly fields: readonly Field[];
  readonly #compression: ParquetCompression;
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #footer: FooterBuilder;
  /** Bytes so far. */
  #position = 0;

  /**
   * Checks the schema, and loads parquet-wasm.
   *
   * @param metadata key-value pairs of the footer, besides those of the schema.
   * @throws SparkStreamError UNSUPPORTED_TYPE
   */
  constructor(schema: Schema, compression: ParquetCompression, metadata: Readonly<Record<string, string>>) {
    const found = unsupportedField(schema.fields);
    if (found) throw unsupported(found.path, found.type, found.reason);
    this.fields = schema.fields;
    this.#compression = compression;
    // As pyarrow does: readers without Arrow find the schema's metadata too.
    this.#metadata = new Map([...schema.metadata, ...Object.entries(metadata)]);
    this.#footer = new FooterBuilder(this.#emptyFile(schema));
  }

  /** Yields the bytes of the group, one top-level column at a time. */
  *rowGroup(rows: number, columns: readonly (readonly ColumnBuffers[])[]): Generator<Uint8Array> {
    const start = this.#start();
    if (start.length > 0) yield start;
    const chunks: PlacedChunks[] = [];
    for (const [index, pieces] of columns.entries()) {
      const column = this.#column(this.fields[index]!, pieces, rows);
      chunks.push({ ...column.metadata, offset: this.#position });
      this.#position += column.bytes.length;
      yield column.bytes;
    }
    this.#footer.addRowGroup(rows, chunks);
  }

  /** The last bytes of the file. */
  finish(): Uint8Array {
    const start = this.#start();
    const footer = this.#footer.finish(this.#metadata);
    const end = new Uint8Array(start.length + footer.length);
    end.set(start);
    end.set(footer, start.length);
    return end;
  }

  #start(): Uint8Array {
    if (this.#position > 0) return new Uint8Array(0);
    this.#position = parquetMagic.length;
    return parquetMagic;
  }

  #emptyFile(schema: Schema): Uint8Array {
    try {
      return this.#encode(schemaIpc(schema));
    } catch (error) {
      for (const field of schema.fields) {
        try {
          this.#encode(schemaIpc(new Schema([field])));
        } catch (cause) {
          throw unsupported(field.name, `${field.type}`, (cause as Error).message, cause);
        }
      }
      throw error;
    }
  }

  #column(field: Field, pieces: readonly ColumnBuffers[], rows: number): ColumnChunks {
    try {
      return columnChunks(this.#encode(columnIpc(field, pieces)), rows);
    } catch (cause) {
      const { name, message } = cause as Error;
      // A panic in WebAssembly, mostly for lack of memory; or no memory here.
      if (name === "RuntimeError" || name === "RangeError") {
        throw new SparkStreamError(
          "WRITE_FAILED",
          `The Parquet encoder broke down over ${rows} rows of column \`${field.name}\` (${message}); it may lack memory: try fewer rowGroupRows.`,
          { cause },
        );
      }
      throw new SparkStreamError(
        "INVALID_INPUT",
        `Column \`${field.name}\` has values that do not fit its type: ${message}. Where it is text that is not UTF-8, CAST it to BINARY in the query.`,
        { cause },
      );
    }
  }

  /** A whole Parquet file. Nothing of it stays in parquet-wasm: both calls free what they are given. */
  #encode(ipc: Uint8Array): Uint8Array {
    const { Table, writeParquet } = parquetWasm();
    try {
      return writeParquet(Table.fromIPCStream(ipc), this.#properties());
    } catch (error) {
      if ((error as Error).name === "RuntimeError") replaceParquetWasm(); // a panic
      throw error;
    }
  }

  #properties(): WriterProperties {
    const { Compression, EnabledStatistics, WriterPropertiesBuilder } = parquetWasm();
    return (
      new WriterPropertiesBuilder()
        .setCompression(Compression[codecs[this.#compression]])
        // Of column chunks; those of pages would go into the page index, which is not kept.
        .setStatisticsEnabled(EnabledStatistics.Chunk)
        .setMaxRowGroupSize(2 ** 31)
        .build()
    );
  }
}

function unsupported(path: string, type: string, reason: string, cause?: unknown): SparkStreamError {
  return new SparkStreamError(
    "UNSUPPORTED_TYPE",
    `Column \`${path}\` is of type ${type}, which a Parquet file cannot give back exactly: ${reason}. CAST it to STRING in the query, or leave it out.`,
    { cause },
  );
}
