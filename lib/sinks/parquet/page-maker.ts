/**
 * Makes pages: a header, and a body that is compressed on another thread. In: bodies in pieces. Out: promises of
 * complete pages.
 *
 * Memory: the bodies being compressed, at most {@link MAX_PENDING} plus one row's if the caller awaits
 * {@link PageMaker.room}. Their buffers are reused.
 */

import type { Compress } from "../../arrow/codec/packages.js";
import { SparkStreamError } from "../../errors.js";
import { fields, pageTypes } from "./format.js";
import { encodeThrift, type ThriftStruct } from "./thrift.js";
import { InvalidValues } from "./values.js";

export interface Page {
  /** Header and body. */
  readonly bytes: Uint8Array;
  /** Bytes of the same without compression. */
  readonly uncompressedSize: number;
}

/** The type of each kind of page, and the field of PageHeader that has the header of that type. */
const kinds = {
  data: { type: pageTypes.DATA_PAGE, field: fields.PageHeader.data_page_header },
  dictionary: { type: pageTypes.DICTIONARY_PAGE, field: fields.PageHeader.dictionary_page_header },
} as const;

/** {@link PageMaker.room} waits while more bytes are being compressed; also the most bytes of free buffers kept. */
const MAX_PENDING = 4 * 1024 * 1024;

/** Sizes are an i32. */
const MAX_BODY = 2 ** 31 - 1;

export class PageMaker {
  readonly #compress: Compress | undefined;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #pendingBytes = 0;
  #freeBytes = 0;

  constructor(compress: Compress | undefined) {
    this.#compress = compress;
  }

  /** @param details the DataPageHeader or DictionaryPageHeader */
  make(kind: keyof typeof kinds, details: ThriftStruct, parts: readonly Uint8Array[]): Promise<Page> {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size > MAX_BODY) throw new InvalidValues("a row that takes more than the 2 GiB of a page");
    const buffer = this.#compress ? this.#take(size) : undefined;
    const body = buffer ? buffer.subarray(0, size) : undefined;
    if (body) copyTo(body, 0, parts);
    const page = this.#finish(kind, details, size, body, parts);
    const done = page
      .then(
        () => {},
        () => {}, // the page's promise rejects with it
      )
      .then(() => {
        this.#pending.delete(done);
        this.#pendingBytes -= size;
        if (buffer) this.#give(buffer);
      });
    this.#pending.add(done);
    this.#pendingBytes += size;
    return page;
  }

  /** Settles when there is room for more. */
  async room(): Promise<void> {
    while (this.#pendingBytes > MAX_PENDING) await Promise.race(this.#pending);
  }

  async #finish(
    kind: keyof typeof kinds,
    details: ThriftStruct,
    size: number,
    body: Uint8Array<ArrayBuffer> | undefined,
    parts: readonly Uint8Array[],
  ): Promise<Page> {
    // Without a codec the parts are copied before this function returns.
    const content = body ? [await this.#compress!(body).catch(broken)] : parts;
    const compressedSize = content.reduce((sum, part) => sum + part.length, 0);
    const { type, field } = kinds[kind];
    const { PageHeader } = fields;
    const header = encodeThrift({
      [PageHeader.type]: type,
      [PageHeader.uncompressed_page_size]: size,
      [PageHeader.compressed_page_size]: compressedSize,
      [field]: details,
    });
    const bytes = new Uint8Array(header.length + compressedSize);
    bytes.set(header);
    copyTo(bytes, header.length, content);
    return { bytes, uncompressedSize: header.length + size };
  }

  #take(size: number): Uint8Array<ArrayBuffer> {
    const index = this.#free.findIndex((buffer) => buffer.length >= size);
    if (index < 0) return Buffer.allocUnsafeSlow(size) as Uint8Array<ArrayBuffer>;
    const [buffer] = this.#free.splice(index, 1);
    this.#freeBytes -= buffer!.length;
    return buffer!;
  }

  #give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#freeBytes + buffer.length > MAX_PENDING) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
  }
}

function broken(cause: Error): never {
  throw new SparkStreamError("WRITE_FAILED", `A page cannot be compressed: ${cause.message}.`, { cause });
}

function copyTo(target: Uint8Array, start: number, parts: readonly Uint8Array[]): void {
  let position = start;
  for (const part of parts) {
    target.set(part, position);
    position += part.length;
  }
}
