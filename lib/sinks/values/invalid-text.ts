/**
 * Finds text that is not UTF-8, at any depth of a column, before a batch goes to an encoder. Spark does not check the
 * bytes of a STRING: `CAST(X'FF' AS STRING)`, or a file in Latin-1, results in invalid text.
 *
 * In and out: record batches. Valid text costs one pass over its bytes and is not copied; ASCII is recognized quickly.
 * With "replace" a column with invalid text is copied. The bytes below nulls are ignored.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { Data, type Field, type RecordBatch, Type, type Vector } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { SparkStreamError } from "../../errors.js";
import { firstInvalid } from "./first-invalid-text.js";
import { replacedText } from "./replaced-text.js";
import { hasText, textBytes } from "./text-bytes.js";

/** The handling of text that is not UTF-8: an error, or U+FFFD in place of its broken parts. */
export type InvalidText = "error" | "replace";

/**
 * Makes a check for the batches of one stream; it counts their rows.
 *
 * @returns the batch, or a copy with replaced text
 * @throws SparkStreamError INVALID_INPUT naming the column and the row, counted from 0 over all batches; also for a
 * column
 *   with decreasing offsets, which the first pass would read as other texts
 */
export function textCheck(
  fields: readonly Field[],
  mode: InvalidText = "error",
): ((batch: RecordBatch) => RecordBatch) | undefined {
  const columns = fields.flatMap(({ type }, index) => (hasText(type) ? [index] : []));
  if (columns.length === 0) return undefined;
  const dictionaries: Dictionaries = { valid: new WeakSet(), replaced: new WeakMap() };
  let rowsBefore = 0;
  return (batch) => {
    const children = [...batch.data.children];
    let changed = false;
    for (const index of columns) {
      const data = children[index]!;
      try {
        if (isValid(data, dictionaries.valid)) continue;
      } catch (cause) {
        const message = `Column \`${fields[index]!.name}\` has values that do not fit its type: ${(cause as Error).message}.`;
        throw new SparkStreamError("INVALID_INPUT", message, { cause });
      }
      const found = firstInvalid(data);
      if (found === undefined) continue; // it is below a null
      if (mode === "error") throw invalidText(fields[index]!, rowsBefore + found.row, found.bytes);
      children[index] = replacedText(data, dictionaries.replaced);
      changed = true;
    }
    rowsBefore += batch.numRows;
    if (!changed) return batch;
    const { type, length } = batch.data;
    const data = new Data(type, 0, length, 0, undefined, children);
    // Not apache-arrow's constructor, which gives columns that share a name the same type.
    return Object.assign(Object.create(Object.getPrototypeOf(batch)), batch, { data });
  };
}

interface Dictionaries {
  readonly valid: WeakSet<Vector>;
  readonly replaced: WeakMap<Vector, Vector>;
}

/** Whether all text of a column is UTF-8, including text below nulls. */
function isValid(data: Data, dictionaries: WeakSet<Vector>): boolean {
  const { type, children, length } = data;
  if (length === 0) return true;
  if (data.valueOffsets?.length === 0) return true; // broken, which the encoder reports
  switch (arrowType(type).typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
      return areValid(data.values, data.valueOffsets, length);
    case Type.Utf8View:
      for (let index = 0; index < length; index++) {
        if (data.getValid(index) && !isUtf8(textBytes(data, index))) return false;
      }
      return true;
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const from = Number(data.valueOffsets[0]);
      return isValid(children[0]!.slice(from, Number(data.valueOffsets[length]) - from), dictionaries);
    }
    case Type.Dictionary: {
      const { dictionary } = data;
      if (!dictionary || dictionaries.has(dictionary)) return true;
      const valid = dictionary.data.every((chunk) => isValid(chunk, dictionaries));
      if (valid) dictionaries.add(dictionary);
      return valid;
    }
    default:
      return children.every((child) => isValid(child, dictionaries));
  }
}

function areValid(bytes: Uint8Array, offsets: Int32Array | BigInt64Array, length: number): boolean {
  const [from, to] = [Number(offsets[0]), Number(offsets[length])];
  const used = bytes.subarray(from, to);
  if (!(offsets instanceof Int32Array ? ascend(offsets, length) : ascendLarge(offsets, length))) {
    throw new RangeError("its offsets go backwards");
  }
  if (isAscii(used)) return true;
  if (!isUtf8(used)) return false;
  // Bytes that are valid as a whole may be split within a character.
  for (let index = 1; index < length; index++) {
    const offset = Number(offsets[index]);
    if (offset !== to && (bytes[offset]! & 0xc0) === 0x80) return false;
  }
  return true;
}

/** Whether offsets ascend. A loop for one kind of array is several times as fast as one for two kinds. */
function ascend(offsets: Int32Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (offsets[index + 1]! < offsets[index]!) return false;
  return true;
}

function ascendLarge(offsets: BigInt64Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (offsets[index + 1]! < offsets[index]!) return false;
  return true;
}

function invalidText({ name }: Field, row: number, bytes: Uint8Array): SparkStreamError {
  const shown = Buffer.from(bytes.subarray(0, SHOWN)).toString("hex");
  const value = `X'${shown}'${bytes.length > SHOWN ? "…" : ""}`;
  const message = `Column \`${name}\` has text that is not UTF-8 in row ${row}, counted from 0: ${value}. If it has another charset, use decode(CAST(… AS BINARY), 'ISO-8859-1') in the query. Otherwise CAST it to BINARY, or pass invalidText: "replace".`;
  return new SparkStreamError("INVALID_INPUT", message);
}

/** The most bytes of the text that a message shows. */
const SHOWN = 32;
