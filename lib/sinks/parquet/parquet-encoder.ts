/**
 * Encodes record batches as a Parquet file. In: batches of any size. Out: the file's bytes in order, one row group at a
 * time. It depends on Arrow, not on Spark; docs/parquet-encoder.md says why it is our own, and lists its files.
 *
 *     batch → slices of 4 MiB → leaves with levels → pages of 1 MiB, compressed on other threads → row groups → footer
 *
 * Memory: the compressed pages of one row group; one page and one dictionary per leaf, bounded by {@link OPEN_BYTES};
 * the pages being compressed; and the metadata of all row groups so far.
 */
import type { Field, RecordBatch, Schema, Vector } from "apache-arrow";
import type { BatchEncoder } from "../../arrow/batch-encoder.js";
import type { Compress } from "../../arrow/codec/packages.js";
import { messageBytes, schemaMessage } from "../../arrow/encode/message.js";
import { SparkStreamError } from "../../errors.js";
import { turn, turnIsDue } from "../../runtime/event-loop.js";
import { type ChunkOptions, type ChunkPages, ColumnChunk } from "./column-chunk.js";
import { FooterBuilder } from "./footer.js";
import { arrowSchemaKey, compressionCodecs, magic, type ParquetCompression } from "./format.js";
import { leafEntries } from "./levels.js";
import { type Page, PageMaker } from "./page-maker.js";
import { type LeafNode, type ParquetSchema, parquetSchema } from "./parquet-schema.js";
import { newDictionaryBytes, type RowSlice, rowSlice } from "./row-slices.js";
import { unsupportedField } from "./unsupported-field.js";
import { InvalidValues } from "./values.js";

export interface RowGroupLimits {
  readonly rows: number;
  /** Bytes of Arrow data. */
  readonly bytes: number;
}

export interface ParquetEncoderOptions {
  readonly compression: ParquetCompression;
  /** The codec of that name. */
  readonly compress: Compress | undefined;
  readonly rowGroup: RowGroupLimits;
  readonly dictionary: boolean;
  readonly statistics: boolean;
  /** Key-value pairs of the footer, besides those of the schema. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How many encoders share the memory of open pages and dictionaries. Default: 1. */
  readonly files?: number;
}

/** The most bytes of Arrow data processed at a time, unless one row has more. */
const SLICE_BYTES = 4 * 1024 * 1024;
/** The most bytes of a page, and of a dictionary, as in Arrow's and Spark's writers. */
const PAGE_BYTES = 1024 * 1024;
/** The most bytes of all leaves' open pages, and of their dictionaries: with many leaves each gets less. */
const OPEN_BYTES = 32 * 1024 * 1024;
/** The same for all files of a folder together. */
const MANY_OPEN_BYTES = 128 * 1024 * 1024;

export class ParquetEncoder implements BatchEncoder {
  readonly #schema: ParquetSchema;
  readonly #fields: readonly Field[];
  readonly #limits: RowGroupLimits;
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #footer: FooterBuilder;
  readonly #pages: PageMaker;
  readonly #chunkOptions: ChunkOptions;
  /** By the leaves of the schema; made for their first rows. */
  readonly #chunks: ColumnChunk[] = [];
  // The current row group.
  #rows = 0;
  #bytes = 0;
  readonly #dictionaries = new Set<Vector>();
  /** Bytes of the file so far. */
  #position = 0;

  /**
   * Checks the schema.
   *
   * @throws SparkStreamError UNSUPPORTED_TYPE
   */
  constructor(schema: Schema, options: ParquetEncoderOptions) {
    const { compression, compress, rowGroup, dictionary, statistics, metadata, files = 1 } = options;
    const found = unsupportedField(schema.fields);
    if (found) throw unsupported(found.path, found.type, found.reason);
    this.#schema = parquetSchema(schema.fields);
    this.#fields = schema.fields;
    this.#limits = rowGroup;
    const arrowSchema = Buffer.from(messageBytes(schemaMessage(schema))).toString("base64");
    // Like pyarrow, so that readers without Arrow find the schema's metadata, too.
    this.#metadata = new Map([[arrowSchemaKey, arrowSchema], ...schema.metadata, ...Object.entries(metadata)]);
    this.#footer = new FooterBuilder(this.#schema, compressionCodecs[compression]);
    this.#pages = new PageMaker(compress);
    const { leaves } = this.#schema;
    const openBytes = files === 1 ? OPEN_BYTES : MANY_OPEN_BYTES;
    const pageBytes = Math.min(PAGE_BYTES, Math.floor(openBytes / leaves.length / files));
    this.#chunkOptions = { pageBytes, dictionaryBytes: dictionary ? pageBytes : 0, statistics };
  }

  /** @throws SparkStreamError INVALID_INPUT for values that don't fit their type */
  async *batch(batch: RecordBatch): AsyncGenerator<Uint8Array | undefined> {
    const { rows, bytes } = this.#limits;
    for (let row = 0; row < batch.numRows; ) {
      const slice = rowSlice(batch, this.#fields, row, rows - this.#rows, SLICE_BYTES);
      await this.#append(slice);
      row += slice.rows;
      if (this.#rows >= rows || this.#bytes >= bytes) yield* this.#endRowGroup();
      await this.#pages.room();
    }
  }

  /** Ends the row group. */
  async *flush(): AsyncGenerator<Uint8Array | undefined> {
    if (this.#rows > 0) yield* this.#endRowGroup();
  }

  /** The last bytes of the file. */
  async *finish(): AsyncGenerator<Uint8Array | undefined> {
    yield* this.#start();
    if (this.#rows > 0) yield* this.#endRowGroup();
    yield* this.#footer.finish(this.#metadata);
  }

  *#start(): Generator<Uint8Array> {
    if (this.#position > 0) return;
    this.#position = magic.length;
    yield magic;
  }

  async #append({ rows, bytes, columns }: RowSlice): Promise<void> {
    for (const [index, column] of columns.entries()) {
      if (turnIsDue()) await turn();
      const node = this.#schema.columns[index]!;
      try {
        leafEntries(node, column, (entries) => this.#chunkOf(entries.leaf).append(entries));
      } catch (cause) {
        throw failed(node.path, cause as Error);
      }
    }
    this.#rows += rows;
    this.#bytes += bytes + newDictionaryBytes(columns, this.#dictionaries);
  }

  #chunkOf(leaf: LeafNode): ColumnChunk {
    this.#chunks[leaf.index] ??= new ColumnChunk(leaf, this.#pages, this.#chunkOptions);
    return this.#chunks[leaf.index]!;
  }

  async *#endRowGroup(): AsyncGenerator<Uint8Array> {
    yield* this.#start();
    const start = this.#position;
    // All chunks are finished before the first is written, so that their last pages are compressed in parallel.
    const finishing: Promise<ChunkPages>[] = [];
    for (const chunk of this.#chunks) {
      if (turnIsDue()) await turn();
      const pages = chunk.finish();
      pages.catch(() => {}); // awaited below
      finishing.push(pages);
    }
    const finished = await Promise.all(finishing);
    for (const [index, chunk] of finished.entries()) {
      if (turnIsDue()) await turn();
      this.#footer.addChunk({ ...chunk, leaf: this.#schema.leaves[index]!, offset: this.#position });
      const pages: readonly Page[] = chunk.dictionary ? [chunk.dictionary, ...chunk.data] : chunk.data;
      for (const { bytes } of pages) {
        this.#position += bytes.length;
        yield bytes;
      }
    }
    this.#footer.endRowGroup(this.#rows, start);
    this.#rows = this.#bytes = 0;
    this.#dictionaries.clear();
  }
}

function failed(path: string, cause: Error): SparkStreamError {
  const { message } = cause;
  if (cause instanceof InvalidValues) {
    const text = `Column \`${path}\` has values that do not fit its type: ${message}.`;
    return new SparkStreamError("INVALID_INPUT", text, { cause });
  }
  const text = `The Parquet encoder failed at column \`${path}\` (${message}). It may lack memory: use a smaller rowGroupRows.`;
  return new SparkStreamError("WRITE_FAILED", text, { cause });
}

function unsupported(path: string, type: string, reason: string): SparkStreamError {
  return new SparkStreamError(
    "UNSUPPORTED_TYPE",
    `Column \`${path}\` has the type ${type}, which a Parquet file cannot hold exactly: ${reason}. CAST it to STRING in the query, or leave it out.`,
  );
}
