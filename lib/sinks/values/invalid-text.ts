/**
 * Finds text that is not UTF-8, at any depth of a column, before a batch goes to an encoder. Spark does not check what it
 * calls a STRING: `CAST(X'FF' AS STRING)`, or a file in Latin-1, gives one.
 *
 * In and out, record batches. A batch of valid text costs one pass over its bytes, and is not copied; ASCII is found at once.
 * With "replace" a column with invalid text is copied. Nulls may have any bytes below them.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { Data, DataType, type Field, type RecordBatch, Type, type Union, UnionMode, Vector } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";

/** Text that is not UTF-8 is an error, or its broken parts become U+FFFD. */
export type InvalidText = "error" | "replace";

/**
 * A check for the batches of one stream, which counts their rows.
 *
 * @returns the batch, or one with its text replaced
 * @throws SparkStreamError INVALID_INPUT naming the column and the row, counted from 0 over all batches; also for a column
 *   whose offsets go backwards, of which the first pass would make other texts
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
      children[index] = replaced(data, dictionaries.replaced);
      changed = true;
    }
    rowsBefore += batch.numRows;
    if (!changed) return batch;
    const { type, length } = batch.data;
    const data = new Data(type, 0, length, 0, undefined, children);
    // As it is otherwise: apache-arrow's constructor gives columns of one name the same type.
    return Object.assign(Object.create(Object.getPrototypeOf(batch)), batch, { data });
  };
}

interface Dictionaries {
  readonly valid: WeakSet<Vector>;
  /** Batches share dictionaries, and writers know them by their identity. */
  readonly replaced: WeakMap<Vector, Vector>;
}

function hasText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return hasText(type.dictionary);
  return isText(type) || ((type.children ?? []) as Field[]).some((child) => hasText(child.type));
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

/** Whether all text of a column is UTF-8, that below nulls included. */
function isValid(data: Data, dictionaries: WeakSet<Vector>): boolean {
  const { type, children, length } = data;
  if (length === 0) return true;
  if (data.valueOffsets?.length === 0) return true; // broken, which the encoder reports
  switch (type.typeId as Type) {
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
  // What is valid as a whole may have been cut in the middle of a character.
  for (let index = 1; index < length; index++) {
    const offset = Number(offsets[index]);
    if (offset !== to && (bytes[offset]! & 0xc0) === 0x80) return false;
  }
  return true;
}

/** A loop for one kind of array is several times as fast as one for two. */
function ascend(offsets: Int32Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (offsets[index + 1]! < offsets[index]!) return false;
  return true;
}

function ascendLarge(offsets: BigInt64Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (offsets[index + 1]! < offsets[index]!) return false;
  return true;
}

/** The bytes of one text that is not null. */
function textBytes(data: Data, index: number): Uint8Array {
  const bytes = data.values as Uint8Array;
  if (!DataType.isUtf8View(data.type)) {
    return bytes.subarray(Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + 16 * index, 16);
  const size = view.getInt32(0, true);
  if (size <= 12) return bytes.subarray(16 * index + 4, 16 * index + 4 + size);
  const start = view.getInt32(12, true);
  return data.variadicBuffers[view.getInt32(8, true)]!.subarray(start, start + size);
}

interface Invalid {
  /** Of the column. */
  readonly row: number;
  readonly bytes: Uint8Array;
}

/** The first text that is not UTF-8 and is not below a null. Slow: it goes value by value, and once per stream at the most. */
function firstInvalid(column: Data): Invalid | undefined {
  let first: Invalid | undefined;
  /** @param rows the row of the column that each value is of; -1: below a null, or nobody's */
  const visit = (data: Data, rows: Int32Array) => {
    const { type, children } = data;
    const union = DataType.isUnion(type);
    const own = rows.map((row, index) => (row >= 0 && (union || data.getValid(index)) ? row : -1));
    const each = (take: (row: number, index: number) => void) => {
      for (const [index, row] of own.entries()) if (row >= 0) take(row, index);
    };
    const below = (child: Data, fill: (rows: Int32Array) => void) => {
      const childRows = new Int32Array(child.length).fill(-1);
      fill(childRows);
      visit(child, childRows);
    };
    const lists = (child: Data, at: (index: number) => number) =>
      below(child, (found) => each((row, index) => found.fill(row, at(index), at(index + 1))));
    switch (type.typeId as Type) {
      case Type.Utf8:
      case Type.LargeUtf8:
      case Type.Utf8View:
        each((row, index) => {
          const bytes = textBytes(data, index);
          if (!isUtf8(bytes) && !(first && first.row <= row)) first = { row, bytes };
        });
        return;
      case Type.List:
      case Type.LargeList:
      case Type.Map:
        lists(children[0]!, (index) => Number(data.valueOffsets[index]));
        return;
      case Type.FixedSizeList:
        lists(children[0]!, (index) => index * data.stride);
        return;
      case Type.Dictionary: {
        let start = 0;
        for (const chunk of data.dictionary?.data ?? []) {
          below(chunk, (found) =>
            each((row, index) => {
              const entry = Number(data.values[index]) - start;
              if (found[entry] === -1) found[entry] = row;
            }),
          );
          start += chunk.length;
        }
        return;
      }
      case Type.Union: {
        const { mode, typeIdToChildIndex } = type as Union;
        for (const [place, child] of children.entries()) {
          below(child, (found) =>
            each((row, index) => {
              if (typeIdToChildIndex[data.typeIds[index]!] !== place) return;
              found[mode === UnionMode.Dense ? data.valueOffsets[index]! : index] = row;
            }),
          );
        }
        return;
      }
      default:
        for (const child of children) below(child, (found) => found.set(own.subarray(0, found.length)));
    }
  };
  visit(
    column,
    Int32Array.from({ length: column.length }, (_, row) => row),
  );
  return first;
}

/** The column with U+FFFD in the place of what is not UTF-8. */
function replaced(data: Data, dictionaries: WeakMap<Vector, Vector>): Data {
  const { type, length, children, dictionary } = data;
  if (isText(type)) return replacedText(data);
  let otherDictionary: Vector | undefined = dictionary;
  if (dictionary) {
    otherDictionary =
      dictionaries.get(dictionary) ?? new Vector(dictionary.data.map((chunk) => replaced(chunk, dictionaries)));
    dictionaries.set(dictionary, otherDictionary);
  }
  const others = children.map((child) => (hasText(child.type) ? replaced(child, dictionaries) : child));
  const { nullCount } = data;
  return new Data(type, data.offset, length, DataType.isUnion(type) ? 0 : nullCount, data, others, otherDictionary);
}

function replacedText(data: Data): Data {
  const { type, length } = data;
  const texts = Array.from({ length }, (_, index) => {
    if (!data.getValid(index)) return Buffer.alloc(0);
    const bytes = textBytes(data, index);
    return isUtf8(bytes) ? bytes : Buffer.from(Buffer.from(bytes).toString("utf8"));
  });
  const size = texts.reduce((sum, { length }) => sum + length, 0);
  const bytes = Buffer.concat(texts, size);
  if (DataType.isUtf8View(type)) {
    const views = Buffer.alloc(16 * length);
    let start = 0;
    for (const [index, text] of texts.entries()) {
      const at = views.writeInt32LE(text.length, 16 * index);
      views.set(text.subarray(0, text.length <= 12 ? 12 : 4), at);
      if (text.length > 12) views.writeInt32LE(start, at + 8);
      start += text.length;
    }
    const parts = [undefined, views, data.nullBitmap] as Partial<Data["buffers"]>;
    return new Data(type as DataType, data.offset, length, data.nullCount, parts, [], undefined, [bytes]);
  }
  const large = DataType.isLargeUtf8(type);
  const offsets = large ? new BigInt64Array(length + 1) : new Int32Array(length + 1);
  let end = 0;
  for (const [index, text] of texts.entries()) {
    end += text.length;
    offsets[index + 1] = large ? BigInt(end) : end;
  }
  return new Data(type, data.offset, length, data.nullCount, [offsets, bytes, data.nullBitmap]);
}

function invalidText({ name }: Field, row: number, bytes: Uint8Array): SparkStreamError {
  const shown = Buffer.from(bytes.subarray(0, SHOWN)).toString("hex");
  const value = `X'${shown}'${bytes.length > SHOWN ? "…" : ""}`;
  const message = `Column \`${name}\` has text that is not UTF-8 in row ${row}, counted from 0: ${value}. CAST it to BINARY in the query, decode() it with its own charset, or pass invalidText: "replace".`;
  return new SparkStreamError("INVALID_INPUT", message);
}

/** Bytes. */
const SHOWN = 32;
