/**
 * Splits a column of Arrow data into leaves with Dremel's levels. In: buffers of several rows. Out: for each leaf, an
 * entry for each value, and for each null or empty list on the path to one: how many of the optional and repeated
 * fields above it are present (definition level), and which list it continues (repetition level).
 *
 * It works from the top down, one field at a time: `at` is the position of an entry's value in the field's data, -1 if
 * the entry ended further up. Levels common to all entries are one number instead of an array; positions 0, 1, 2, … are
 * undefined.
 */
import { Type } from "apache-arrow";
import type { ColumnBuffers } from "../../arrow/encode/column-buffers.js";
import { offsetsOf } from "./byte-values.js";
import { ColumnCursor } from "./column-cursor.js";
import { dictionaryOf } from "./dictionary-values.js";
import { leafValues } from "./leaf-values.js";
import type { LeafNode, ListNode, ParquetNode } from "./parquet-schema.js";
import { ReusableArray } from "./reusable-array.js";
import { InvalidValues, type Values } from "./values.js";

export interface LeafEntries {
  readonly leaf: LeafNode;
  readonly count: number;
  /** A number if all entries have the same level. */
  readonly definition: number | Uint8Array;
  /** Undefined: all 0. */
  readonly repetition: Uint8Array | undefined;
  /** The values of those entries that have one. */
  readonly values: Values;
}

interface Entries {
  readonly count: number;
  readonly definition: number | Uint8Array;
  readonly repetition: Uint8Array | undefined;
  readonly at: Int32Array | undefined;
}

/**
 * Emits the leaves of a column, one after the other. What is emitted is valid until the call of `emit` returns: its
 * arrays are used again.
 *
 * @throws InvalidValues if the data is broken, or is not what the schema says
 */
export function leafEntries(node: ParquetNode, column: ColumnBuffers, emit: (leaf: LeafEntries) => void): void {
  const rows: Entries = { count: column.length, definition: 0, repetition: undefined, at: undefined };
  visit(node, new ColumnCursor(column), rows, emit);
}

function visit(node: ParquetNode, cursor: ColumnCursor, above: Entries, emit: (leaf: LeafEntries) => void): void {
  const length = cursor.length();
  if (node.kind === "leaf") {
    emit(leafOf(node, cursor, above, length));
    return;
  }
  const entries = defined(above, cursor.buffer(), node);
  if (node.kind === "struct") {
    for (const child of node.children) visit(child, cursor, entries, emit);
  } else {
    const offsets = typeof node.offsets === "number" ? node.offsets : offsetsOf(cursor.buffer(), length, node.offsets);
    visit(node.child, cursor, elements(entries, offsets, node), emit);
  }
}

function leafOf(node: LeafNode, cursor: ColumnCursor, above: Entries, length: number): LeafEntries {
  if (node.type.typeId === Type.Null) {
    return { leaf: node, ...above, values: { count: 0, words: new Int32Array(0) } };
  }
  const own = cursor.buffer();
  const dictionary = node.dictionary && dictionaryOf(node, cursor);
  const validity = dictionary?.validity(own, length) ?? own;
  const { count, repetition } = above;
  const { definition, positions } = present(above, validity, node);
  const values = dictionary ? dictionary.take(positions, length) : leafValues(node, cursor, length, positions);
  return { leaf: node, count, definition, repetition, values };
}

const reusedLevels = new ReusableArray(Uint8Array);
const reusedPositions = new ReusableArray(Int32Array);

/** Like {@link defined}, but with the positions of only those entries that have a value. */
function present(
  above: Entries,
  validity: Uint8Array,
  node: LeafNode,
): { definition: Entries["definition"]; positions: Int32Array | undefined } {
  const { count, definition, at } = above;
  if (at === undefined && validity.length > 0 && node.nullable && typeof definition === "number") {
    const levels = reusedLevels.take(count);
    const positions = reusedPositions.take(count);
    let next = 0;
    for (let entry = 0; entry < count; entry++) {
      const bit = (validity[entry >> 3]! >> (entry & 7)) & 1;
      levels[entry] = definition + bit;
      positions[next] = entry;
      next += bit;
    }
    return { definition: levels, positions: positions.subarray(0, next) };
  }
  const entries = defined(above, validity, node);
  return { definition: entries.definition, positions: entries.at && withValue(entries.at) };
}

function withValue(at: Int32Array): Int32Array {
  const positions = reusedPositions.take(at.length);
  let count = 0;
  for (let entry = 0; entry < at.length; entry++) {
    const position = at[entry]!;
    positions[count] = position;
    if (position >= 0) count++;
  }
  return positions.subarray(0, count);
}

/**
 * The entries after a field's own nulls.
 *
 * @param validity a bit per value of the field; empty if none is null
 */
function defined(entries: Entries, validity: Uint8Array, { nullable, path }: ParquetNode): Entries {
  const { count, at, definition } = entries;
  const noNulls = validity.length === 0;
  if (noNulls && !nullable) return entries;
  if (noNulls && at === undefined) return { ...entries, definition: raised(definition) };
  const levels = new Uint8Array(count);
  const positions = new Int32Array(count);
  const step = nullable ? 1 : 0;
  for (let entry = 0; entry < count; entry++) {
    const position = at === undefined ? entry : at[entry]!;
    const level = typeof definition === "number" ? definition : definition[entry]!;
    const valid = position >= 0 && (noNulls || ((validity[position >> 3]! >> (position & 7)) & 1) === 1);
    if (!valid && position >= 0 && !nullable) throw new InvalidValues(`a null in ${path}, which is not nullable`);
    levels[entry] = valid ? level + step : level;
    positions[entry] = valid ? position : -1;
  }
  return { ...entries, definition: levels, at: positions };
}

function raised(definition: number | Uint8Array): number | Uint8Array {
  return typeof definition === "number" ? definition + 1 : definition.map((level) => level + 1);
}

/** The entries of the elements of lists. */
function elements(entries: Entries, offsets: Int32Array | number, { repetition: level, path }: ListNode): Entries {
  const { count, definition, repetition, at } = entries;
  let total = 0;
  let without = 0;
  for (let entry = 0; entry < count; entry++) {
    const size = sizeAt(at === undefined ? entry : at[entry]!, offsets, path);
    total += Math.max(1, size);
    if (size === 0) without++;
  }
  const alike = without === 0 && typeof definition === "number";
  const definitions = new Uint8Array(alike ? 0 : total);
  const repetitions = new Uint8Array(total).fill(level);
  const positions = new Int32Array(total);
  for (let entry = 0, next = 0; entry < count; entry++) {
    const position = at === undefined ? entry : at[entry]!;
    const size = sizeAt(position, offsets, path);
    const end = next + Math.max(1, size);
    const first = position < 0 ? 0 : typeof offsets === "number" ? offsets * position : offsets[position]!;
    const own = typeof definition === "number" ? definition : definition[entry]!;
    if (!alike) definitions.fill(size > 0 ? own + 1 : own, next, end);
    repetitions[next] = repetition === undefined ? 0 : repetition[entry]!;
    for (let index = next; index < end; index++) positions[index] = size > 0 ? first + index - next : -1;
    next = end;
  }
  const inOrder = without === 0 && at === undefined;
  return {
    count: total,
    definition: alike ? raised(definition) : definitions,
    repetition: repetitions,
    at: inOrder ? undefined : positions,
  };
}

function sizeAt(position: number, offsets: Int32Array | number, path: string): number {
  if (position < 0) return 0;
  if (typeof offsets === "number") return offsets;
  const size = offsets[position + 1]! - offsets[position]!;
  if (size < 0) throw new InvalidValues(`the offsets of ${path} go backwards`);
  return size;
}
