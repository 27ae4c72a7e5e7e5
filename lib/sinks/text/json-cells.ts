/** The values of JSON, as bytes. Types that have no bytes of their own here are written as the text that json-format.ts makes of them. */
import { type DataType, type Field, Type } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { columnReader, fieldNames, lists, part } from "../values/column-reader.js";
import { bigintJson, jsonFormat, jsonHeads } from "../values/json-format.js";
import type { TextValueOptions } from "../values/value-options.js";
import { floatJson, isVariant } from "../values/variant-text.js";
import { type CellFormat, type Cells, orNull, plainCells } from "./cells.js";
import type { WriteLine } from "./lines.js";
import { type TextBuffer, type TextBytes, textBytes } from "./text-buffer.js";
import { marksOf, textCells } from "./text-cells.js";

const [QUOTE, BACKSLASH, COMMA] = [34, 92, 44];
const [OPEN, CLOSE] = [91, 93];
const quote = Buffer.from('"');
const nothing = Buffer.from("null");

/** What needs an escape within a string: control characters, `"` and `\`. */
const escaped = marksOf([...Array(32).keys(), QUOTE, BACKSLASH]);
const escapes = Array.from({ length: 128 }, (_, code) =>
  Buffer.from(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);

/** @throws SparkStreamError UNSUPPORTED_TYPE naming the column; INVALID_INPUT for two fields of one name */
export function jsonCells(field: Field, options: TextValueOptions, path = field.name): Cells {
  const { integers = "auto", decimals, timestamps } = options;
  const format: CellFormat = {
    quote,
    bigintIsText: integers === "string",
    bigint: (out, value) => out.ascii(bigintJson(value, integers)),
    float: (out, value) => out.ascii(floatJson(value)),
  };
  const type: DataType = field.type;
  const cells = isVariant(type)
    ? undefined
    : (plainCells(type, format, { decimals, timestamps }) ?? nestedCells(type, options, path));
  return cells ? orNull(cells, (out) => out.raw(nothing)) : textsOf(field, options, path);
}

function nestedCells(type: DataType, options: TextValueOptions, path: string): Cells | undefined {
  const narrowed = arrowType(type);
  switch (narrowed.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
      return textCells({ isPlain, plain: writePlain, any: writeString });
    case Type.Struct: {
      const { children } = narrowed;
      const write = objectOf(jsonHeads(fieldNames(children, path)), "}");
      const cells = children.map((child) => jsonCells(child, options, `${path}.${child.name}`));
      return (data) => {
        const writers = cells.map((cell, index) => cell(data.children[index]!));
        return (out, row) => write(out, writers, row);
      };
    }
    case Type.List:
    case Type.LargeList: {
      const cells = jsonCells(narrowed.children[0]!, options, `${path}[]`);
      return (data) => {
        const { from, count, at } = lists(data);
        const write = cells(part(data.children[0]!, from, count));
        return (out, row) => {
          out.byte(OPEN);
          const [start, end] = [at(row), at(row + 1)];
          for (let index = start; index < end; index++) {
            if (index > start) out.byte(COMMA);
            write(out, index);
          }
          out.byte(CLOSE);
        };
      };
    }
    default:
      return undefined;
  }
}

/** An object a line, with these fields. */
export function lineOfJson(names: readonly string[]): WriteLine {
  return objectOf(jsonHeads(names), "}\n");
}

function objectOf(names: readonly string[], end: string): WriteLine {
  const heads = names.map((head) => textBytes(Buffer.from(head)));
  const tail = Buffer.from(names.length === 0 ? `{${end}` : end);
  return (out, cells, row) => {
    for (let index = 0; index < cells.length; index++) {
      const head = heads[index]!;
      out.copyText(head, 0, head.bytes.length);
      cells[index]!(out, row);
    }
    out.raw(tail);
  };
}

/** Texts that json-format.ts makes. */
function textsOf(field: Field, options: TextValueOptions, path: string): Cells {
  const read = columnReader(field, jsonFormat(options), path);
  return (data) => {
    const texts = read(data);
    return (out, row) => out.utf8(texts[row]!);
  };
}

function writeString(out: TextBuffer, { bytes }: TextBytes, start: number, end: number): void {
  out.byte(QUOTE);
  for (let at = start; at < end; ) {
    at = out.copyUnmarked(escaped, bytes, at, end);
    if (at < end) out.raw(escapes[bytes[at++]!]!);
  }
  out.byte(QUOTE);
}

function writePlain(out: TextBuffer, from: TextBytes, start: number, end: number): void {
  out.byte(QUOTE);
  out.copyText(from, start, end);
  out.byte(QUOTE);
}

/** One bit, and the highest, of each of four bytes. */
const [ONES, HIGHS] = [0x01010101, 0x80808080];
const [SPACES, QUOTES, BACKSLASHES] = [32 * ONES, QUOTE * ONES, BACKSLASH * ONES];

/** Whether no byte needs an escape. Four at a time: taking n from each borrows into the highest bit of one that was less than n. */
function isPlain({ bytes, view }: TextBytes, start: number, end: number): boolean {
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at);
    const quotes = word ^ QUOTES;
    const backslashes = word ^ BACKSLASHES;
    const less = (word - SPACES) & ~word;
    if ((less | ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes)) & HIGHS) return false;
  }
  for (; at < end; at++) if (escaped[bytes[at]!]) return false;
  return true;
}
