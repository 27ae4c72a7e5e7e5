/** The cells of CSV (RFC 4180), as bytes. Types that have no bytes of their own here are written as the text that csv-format.ts makes. */
import { type DataType, type Field, Type } from "apache-arrow";
import { columnReader } from "../values/column-reader.js";
import { type CsvCell, csvFormat } from "../values/csv-format.js";
import type { TextValueOptions } from "../values/value-options.js";
import { type CellFormat, type Cells, orNull, plainCells } from "./cells.js";
import type { TextBuffer, TextBytes } from "./text-buffer.js";
import { marksOf, type TextFormat, textCells, type WriteText } from "./text-cells.js";

const QUOTE = 34;
const [NEWLINE, RETURN] = [10, 13];
const empty = Buffer.from('""');

export interface CsvCellOptions extends Pick<TextValueOptions, "timestamps" | "binary" | "invalidText"> {
  readonly delimiter: string;
  readonly nullText: string | undefined;
  /** Whether there is only one column: readers skip an empty line, so a null is `""` there. */
  readonly alone: boolean;
}

/** What the text of a number, a time or a boolean may have in it. */
const PLAIN = /[0-9A-Za-z+\-.:]/;
/** A text for nulls that none of these can be. */
const NO_VALUE = /^(?!NaN$|-?Infinity$|true$|false$)\D*$/;

export class CsvCells {
  readonly #options: CsvCellOptions;
  readonly #null: Buffer;
  readonly #marks: readonly number[];
  readonly #marked: Uint8Array;
  readonly #quotes: RegExp;

  constructor(options: CsvCellOptions) {
    const { delimiter, nullText, alone } = options;
    this.#options = options;
    this.#null = nullText ? Buffer.from(nullText) : alone ? empty : Buffer.alloc(0);
    this.#marks = [QUOTE, NEWLINE, RETURN, Buffer.from(delimiter)[0]!];
    this.#marked = marksOf(this.#marks);
    this.#quotes = new RegExp(`["\\n\\r${delimiter.replace(/[\\\]^-]/, "\\$&")}]`, "u");
  }

  /** @throws SparkStreamError UNSUPPORTED_TYPE naming the column */
  of(field: Field): Cells {
    const cells = this.#cells(field.type);
    return cells ? orNull(cells, (out) => out.raw(this.#null)) : this.#texts(field);
  }

  /** A text, quoted if it has to be. */
  text(out: TextBuffer, text: string): void {
    if (text === "") out.raw(empty);
    else if (this.#quotes.test(text)) out.utf8(`"${text.replaceAll('"', '""')}"`);
    else out.utf8(text);
  }

  #cells(type: DataType): Cells | undefined {
    const { delimiter, nullText = "", timestamps } = this.#options;
    if (type.typeId === Type.Utf8 || type.typeId === Type.LargeUtf8) {
      // A character of several bytes is looked for in the text.
      return delimiter.charCodeAt(0) < 128 ? textCells(this.#format()) : undefined;
    }
    if (PLAIN.test(delimiter) || !NO_VALUE.test(nullText)) return undefined;
    return plainCells(type, plain, { timestamps });
  }

  #texts(field: Field): Cells {
    const { delimiter: _, ...options } = this.#options;
    const read = columnReader<CsvCell>(field, csvFormat(options));
    return (data) => {
      const cells = read(data);
      return (out, row) => {
        const cell = cells[row]!;
        if (cell === null) return;
        if (typeof cell === "object") out.utf8(`"${cell.value.replaceAll('"', '""')}"`);
        else if (cell !== "" && cell === this.#options.nullText) out.utf8(cell);
        else this.text(out, cell);
      };
    };
  }

  #format(): TextFormat {
    const { nullText } = this.#options;
    const isNullText = nullText ? this.#isNullText.bind(this) : () => false;
    const any: WriteText = (out, from, start, end) => {
      if (start === end) {
        out.raw(empty);
        return;
      }
      const { length } = out;
      const at = out.copyUnmarked(this.#marked, from.bytes, start, end);
      if (at === end && !isNullText(from, start, end)) return;
      out.cut(length);
      this.#quoted(out, from.bytes, start, end);
    };
    const plain: WriteText = (out, from, start, end) => {
      if (start === end) out.raw(empty);
      else if (isNullText(from, start, end)) this.#quoted(out, from.bytes, start, end);
      else out.copyText(from, start, end);
    };
    return { isPlain: this.#isPlain.bind(this), plain, any };
  }

  #isPlain({ bytes }: TextBytes, start: number, end: number): boolean {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    return this.#marks.every((byte) => !text.includes(byte));
  }

  #quoted(out: TextBuffer, from: Uint8Array, start: number, end: number): void {
    out.byte(QUOTE);
    for (let at = start; ; at++) {
      at = out.copyUnmarked(this.#marked, from, at, end);
      if (at === end) break;
      if (from[at] === QUOTE) out.byte(QUOTE);
      out.byte(from[at]!);
    }
    out.byte(QUOTE);
  }

  #isNullText({ bytes }: TextBytes, start: number, end: number): boolean {
    const text = this.#null;
    return end - start === text.length && text.every((byte, index) => bytes[start + index] === byte);
  }
}

const plain: CellFormat = {
  quote: Buffer.alloc(0),
  bigintIsText: false,
  bigint: (out, value) => out.ascii(String(value)),
  float: (out, value) => out.ascii(Object.is(value, -0) ? "-0" : String(value)),
};
