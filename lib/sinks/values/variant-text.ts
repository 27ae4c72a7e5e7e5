/**
 * Formats a value of Spark's VARIANT as JSON text, like Spark's own `to_json` (with times in UTC).
 *
 * Parquet's "Variant Binary Encoding"; integers are little-endian, `w` is a width of 1 to 4 bytes:
 *
 *     metadata   u8 header: bits 0-3 version 1, bit 4 sorted, bits 6-7 w - 1
 *                w size of the dictionary, w offsets × (size + 1), the bytes of all strings
 *     value      u8: bits 0-1 basic type, bits 2-7 its header
 *       0 primitive     header: type, see `primitive`
 *       1 short string  header: length in bytes
 *       2 object        header: bits 0-1 w of offsets - 1, bits 2-3 w of ids - 1, bit 4 large
 *                       count (u8, large: u32), ids × count, offsets × (count + 1), values
 *       3 array         header: bits 0-1 w of offsets - 1, bit 2 large
 *                       count, offsets × (count + 1), values
 */
import { isUtf8 } from "node:buffer";
import { type DataType, type Field, Type } from "apache-arrow";
import { dateText, sparkTimestampText } from "../../arrow/text/date-text.js";
import { scaledText } from "./decimal-text.js";
import { shortestFloat32 } from "./float-text.js";
import type { InvalidText } from "./invalid-text.js";

/** Whether a column has variants: Spark sends them as a struct, and marks its second field. */
export function isVariant(type: DataType): boolean {
  const [value, metadata] = (type.typeId === Type.Struct ? type.children : []) as Field[];
  return value?.name === "value" && metadata?.metadata.get("variant") === "true";
}

/** @throws RangeError if the bytes are not a variant, or its texts are not UTF-8 */
export function variantText(value: Uint8Array, metadata: Uint8Array, invalidText?: InvalidText): string {
  return new VariantReader(value, metadata, invalidText).text(0, 0);
}

/** The default depth limit of Spark's own parser. */
const MAX_DEPTH = 1000;

class VariantReader {
  readonly #bytes: Buffer;
  readonly #metadata: Buffer;
  readonly #invalidText: InvalidText;

  constructor(value: Uint8Array, metadata: Uint8Array, invalidText: InvalidText = "error") {
    this.#invalidText = invalidText;
    this.#bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    this.#metadata = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.length);
  }

  text(at: number, depth: number): string {
    if (depth > MAX_DEPTH) throw new RangeError("a variant is nested too deeply");
    const head = this.#bytes.readUInt8(at);
    const header = head >> 2;
    switch (head & 3) {
      case 0:
        return this.#primitive(header, at + 1);
      case 1:
        return this.#string(at + 1, header);
      case 2: {
        const [offsetWidth, idWidth] = [(header & 3) + 1, ((header >> 2) & 3) + 1];
        const [count, ids] = this.#count(at + 1, (header & 16) !== 0);
        const offsets = ids + count * idWidth;
        const values = offsets + (count + 1) * offsetWidth;
        const fields = Array.from({ length: count }, (_, index) => {
          const name = this.#name(this.#bytes.readUIntLE(ids + index * idWidth, idWidth));
          const value = values + this.#bytes.readUIntLE(offsets + index * offsetWidth, offsetWidth);
          return `${JSON.stringify(name)}:${this.text(value, depth + 1)}`;
        });
        return `{${fields.join(",")}}`;
      }
      default: {
        const width = (header & 3) + 1;
        const [count, offsets] = this.#count(at + 1, (header & 4) !== 0);
        const values = offsets + (count + 1) * width;
        const elements = Array.from({ length: count }, (_, index) =>
          this.text(values + this.#bytes.readUIntLE(offsets + index * width, width), depth + 1),
        );
        return `[${elements.join(",")}]`;
      }
    }
  }

  /** Reads the number of parts, and the position after it. */
  #count(at: number, large: boolean): [number, number] {
    const count = large ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt8(at);
    if (count > this.#bytes.length)
      throw new RangeError(`a variant of ${this.#bytes.length} bytes names ${count} parts`);
    return [count, at + (large ? 4 : 1)];
  }

  #name(id: number): string {
    const width = (this.#metadata.readUInt8(0) >> 6) + 1;
    const size = this.#metadata.readUIntLE(1, width);
    if (id >= size) throw new RangeError(`a variant names its key ${id} of ${size}`);
    const offsets = 1 + width;
    const strings = offsets + (size + 1) * width;
    const [start, end] = [id, id + 1].map((index) => this.#metadata.readUIntLE(offsets + index * width, width));
    return this.#text(this.#metadata.subarray(strings + start!, strings + end!));
  }

  #string(at: number, length: number): string {
    return JSON.stringify(this.#text(this.#slice(at, length)));
  }

  #text(bytes: Buffer): string {
    if (this.#invalidText === "error" && !isUtf8(bytes)) throw new RangeError("a variant with text that is not UTF-8");
    return bytes.toString("utf8");
  }

  #slice(at: number, length: number): Buffer {
    if (at + length > this.#bytes.length) throw new RangeError("a variant is truncated");
    return this.#bytes.subarray(at, at + length);
  }

  #primitive(type: number, at: number): string {
    const bytes = this.#bytes;
    switch (type) {
      case 0:
        return "null";
      case 1:
        return "true";
      case 2:
        return "false";
      case 3:
        return String(bytes.readInt8(at));
      case 4:
        return String(bytes.readInt16LE(at));
      case 5:
        return String(bytes.readInt32LE(at));
      case 6:
        return String(bytes.readBigInt64LE(at));
      case 7:
        return floatJson(bytes.readDoubleLE(at));
      case 8:
        return decimal(String(bytes.readInt32LE(at + 1)), bytes.readUInt8(at));
      case 9:
        return decimal(String(bytes.readBigInt64LE(at + 1)), bytes.readUInt8(at));
      case 10: {
        const integer = (bytes.readBigInt64LE(at + 9) << 64n) | bytes.readBigUInt64LE(at + 1);
        return decimal(String(integer), bytes.readUInt8(at));
      }
      case 11:
        return `"${dateText(bytes.readInt32LE(at))}"`;
      case 12:
        return `"${sparkTimestampText(bytes.readBigInt64LE(at), 6)}+00:00"`;
      case 13:
        return `"${sparkTimestampText(bytes.readBigInt64LE(at), 6)}"`;
      case 14:
        return floatJson(shortestFloat32(bytes.readFloatLE(at)));
      case 15:
        return `"${this.#slice(at + 4, bytes.readUInt32LE(at)).toString("base64")}"`;
      case 16:
        return this.#string(at + 4, bytes.readUInt32LE(at));
      case 18:
        return `"${sparkTimestampText(bytes.readBigInt64LE(at), 9)}+00:00"`;
      case 19:
        return `"${sparkTimestampText(bytes.readBigInt64LE(at), 9)}"`;
      case 20:
        return `"${this.#slice(at, 16)
          .toString("hex")
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}"`;
      default:
        throw new RangeError(`a variant has the primitive type ${type}, which is not known here`);
    }
  }
}

/** Formats a decimal without trailing zeros, like Spark. */
function decimal(integer: string, scale: number): string {
  return scale === 0 ? integer : scaledText(integer, scale).replace(/\.?0+$/, "");
}

/** Formats a number as JSON, or as a string if JSON has no such number, like Spark's to_json. */
export function floatJson(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}
