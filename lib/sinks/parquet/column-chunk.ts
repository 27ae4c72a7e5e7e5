/**
 * A column chunk: one leaf of a row group. In: entries of several rows at a time. Out: the pages of the chunk, and
 * their metadata for the footer.
 *
 *     dictionary page    if values were encoded by a dictionary
 *     data pages         version 1: repetition levels, definition levels, values; each ends with a row
 *
 * Values are looked up in a dictionary while it is small enough; the others are PLAIN.
 * Memory: one page, the dictionary, and the compressed pages.
 */
import { ByteBuffer } from "./byte-buffer.js";
import type { Dictionary } from "./dictionary.js";
import { encodings, fields } from "./format.js";
import type { LeafEntries } from "./levels.js";
import { PageLevels } from "./page-levels.js";
import type { Page, PageMaker } from "./page-maker.js";
import type { LeafNode } from "./parquet-schema.js";
import { dictionaryFor, statisticsFor } from "./physical-types.js";
import { PlainValues, plainSize } from "./plain-values.js";
import { bitWidth, writeRleHybrid } from "./rle-hybrid.js";
import type { Range, Statistics } from "./statistics.js";
import type { Values } from "./values.js";

export interface ChunkOptions {
  /** A page ends when its values, indices or levels have this many bytes in memory. */
  readonly pageBytes: number;
  /** The most bytes of a dictionary page; 0: no dictionaries. */
  readonly dictionaryBytes: number;
  readonly statistics: boolean;
}

/**
 * The number of values after which a dictionary must have saved bytes; the number of rows of a page in Spark's writer.
 */
const TRIAL = 20_000;
/** The same if nearly all of them are different. */
const SHORT_TRIAL = 4096;

/** A complete chunk. */
export interface ChunkPages {
  readonly dictionary: Page | undefined;
  readonly data: readonly Page[];
  /** The number of data pages with indices; the others are PLAIN. */
  readonly dictionaryEncoded: number;
  /** The number of entries: values, nulls and empty lists. */
  readonly count: number;
  readonly statistics: { readonly nullCount: number; readonly range: Range | undefined } | undefined;
}

/** Makes the chunks of one leaf; reused for each row group. */
export class ColumnChunk {
  readonly #leaf: LeafNode;
  readonly #pages: PageMaker;
  readonly #options: ChunkOptions;
  readonly #dictionary: Dictionary | undefined;
  // The current page.
  readonly #definition: PageLevels;
  readonly #repetition: PageLevels;
  readonly #plain: PlainValues;
  readonly #page = new ByteBuffer();
  #indices = new Int32Array(0);
  #indexCount = 0;
  #entries = 0;
  // The current chunk.
  #statistics: Statistics | undefined;
  #inDictionary = false;
  #tried = false;
  /** How many of the next chunks get no dictionary: 1, 3, 7, 15, 15 and so on after each abandoned dictionary. */
  #skip = 0;
  #givenUp = 0;
  #data: Promise<Page>[] = [];
  #dictionaryEncoded = 0;
  #count = 0;
  #nullCount = 0;

  constructor(leaf: LeafNode, pages: PageMaker, options: ChunkOptions) {
    this.#leaf = leaf;
    this.#pages = pages;
    this.#options = options;
    this.#dictionary = dictionaryFor(leaf.parquet.physical, options.dictionaryBytes);
    this.#definition = new PageLevels(leaf.maxDefinition);
    this.#repetition = new PageLevels(leaf.maxRepetition);
    this.#plain = new PlainValues(leaf.parquet.physical);
    this.#begin();
  }

  #begin(): void {
    this.#statistics = this.#options.statistics ? statisticsFor(this.#leaf.parquet) : undefined;
    this.#dictionary?.clear();
    this.#inDictionary = this.#dictionary !== undefined && this.#skip === 0;
    this.#skip = Math.max(0, this.#skip - 1);
    this.#tried = false;
    this.#data = [];
    this.#dictionaryEncoded = this.#count = this.#nullCount = 0;
  }

  /** Appends entries of whole rows. */
  append({ count, definition, repetition, values }: LeafEntries): void {
    if (this.#inDictionary && !this.#lookUp(values)) {
      this.#endPage();
      this.#inDictionary = false;
      if (this.#dictionaryEncoded === 0) this.#dictionary!.clear();
    }
    if (!this.#inDictionary) this.#appendPlain(values);
    else if (this.#indexCount >= this.#trial()) this.#tryDictionary();
    this.#repetition.append(repetition ?? 0, count);
    this.#definition.append(definition, count);
    this.#entries += count;
    this.#count += count;
    this.#nullCount += count - values.count;
    const bytes = Math.max(this.#plain.byteLength, 4 * this.#indexCount, this.#entries);
    if (bytes >= this.#options.pageBytes) this.#endPage();
  }

  /** Completes the chunk. The next call of `append` begins a new one. */
  async finish(): Promise<ChunkPages> {
    this.#endPage();
    const { size } = this.#dictionary ?? { size: 0 };
    let dictionary: Promise<Page> | undefined;
    if (size > 0) {
      const values = this.#dictionary!.values();
      this.#statistics?.add(values);
      if (this.#dictionaryEncoded > 0) {
        this.#plain.append(values);
        const { num_values, encoding } = fields.DictionaryPageHeader;
        const header = { [num_values]: size, [encoding]: encodings.PLAIN };
        dictionary = this.#pages.make("dictionary", header, [this.#plain.take()]);
      }
    }
    const counts = { dictionaryEncoded: this.#dictionaryEncoded, count: this.#count };
    const range = this.#statistics?.range();
    const statistics = this.#options.statistics ? { nullCount: this.#nullCount, range } : undefined;
    const data = this.#data;
    this.#begin();
    return { ...counts, statistics, dictionary: await dictionary, data: await Promise.all(data) };
  }

  #appendPlain(values: Values): void {
    this.#plain.append(values);
    this.#statistics?.add(values);
  }

  #trial(): number {
    return 10 * this.#dictionary!.size > 9 * this.#indexCount ? SHORT_TRIAL : TRIAL;
  }

  /**
   * Checks once, in the first page, whether the dictionary saves bytes. If not, it is dropped and the page is PLAIN.
   */
  #tryDictionary(): void {
    if (this.#tried || !this.#inDictionary || this.#indexCount === 0) return;
    this.#tried = true;
    const { physical } = this.#leaf.parquet;
    const dictionary = this.#dictionary!;
    const values = dictionary.take(this.#indices.subarray(0, this.#indexCount));
    const indexBytes = (values.count * bitWidth(dictionary.size - 1)) / 8;
    if (plainSize(physical, dictionary.values()) + indexBytes < plainSize(physical, values)) {
      this.#givenUp = 0;
      return;
    }
    this.#givenUp = Math.min(this.#givenUp + 1, 4);
    this.#skip = 2 ** this.#givenUp - 1;
    this.#inDictionary = false;
    this.#indexCount = 0;
    this.#appendPlain(values);
    dictionary.clear();
  }

  /** Looks values up in the dictionary; false if it is full. */
  #lookUp(values: Values): boolean {
    const needed = this.#indexCount + values.count;
    if (needed > this.#indices.length) {
      const grown = new Int32Array(Math.max(needed, 2 * this.#indices.length));
      grown.set(this.#indices.subarray(0, this.#indexCount));
      this.#indices = grown;
    }
    if (!this.#dictionary!.add(values, this.#indices, this.#indexCount)) return false;
    this.#indexCount = needed;
    return true;
  }

  #endPage(): void {
    if (this.#entries === 0) return;
    this.#tryDictionary();
    const out = this.#page;
    out.clear();
    this.#repetition.takeTo(out);
    this.#definition.takeTo(out);
    const indexed = this.#indexCount > 0;
    if (indexed) {
      const width = Math.max(1, bitWidth(this.#dictionary!.size - 1));
      out.byte(width);
      writeRleHybrid(out, this.#indices, this.#indexCount, width);
      this.#dictionaryEncoded++;
    }
    const { num_values, encoding, definition_level_encoding, repetition_level_encoding } = fields.DataPageHeader;
    const header = {
      [num_values]: this.#entries,
      [encoding]: indexed ? encodings.RLE_DICTIONARY : encodings.PLAIN,
      [definition_level_encoding]: encodings.RLE,
      [repetition_level_encoding]: encodings.RLE,
    };
    const page = this.#pages.make("data", header, [out.view(), this.#plain.take()]);
    page.catch(() => {}); // finish() rejects with it
    this.#data.push(page);
    this.#entries = this.#indexCount = 0;
  }
}
