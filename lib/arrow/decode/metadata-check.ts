/**
 * Checks the metadata of an IPC message before apache-arrow's own reader reads it. That reader trusts every length and
 * offset: one flipped bit in a schema, and it makes billions of fields until the process dies. The check covers the
 * bounds of tables, vectors and strings, their depth and their number, but not their meaning.
 */
import { DataType, type Field } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { indirect, tableField } from "../flatbuffer.js";
import { fields, headerTypes, PREFIX_BYTES, STRUCT_BYTES } from "../format.js";
import { DecompressedBytes } from "./decompressed-bytes.js";
import { invalidIpc } from "./invalid-ipc.js";
import { batchLength, type MessageLocation, readLength, structVector } from "./message.js";

/** The deepest nesting of types; the same as in Arrow's C++ library. */
const MAX_DEPTH = 128;
/** The most bytes that a byte of a compressed dictionary can expand to: its values differ from each other. */
const DICTIONARY_EXPANSION = 256;
/** The number of values that any dictionary may have: values of some types take no bytes. */
const FEW_VALUES = 1024;

/** @throws SparkStreamError INVALID_IPC */
export function checkSchemaMessage(view: DataView, message: MessageLocation): void {
  const metadata = new MetadataCheck(view, message);
  metadata.keyValues(metadata.message, fields.Message.customMetadata);
  metadata.table(message.header);
  for (const field of metadata.tables(message.header, fields.Schema.fields)) checkField(metadata, field, 0);
  metadata.keyValues(message.header, fields.Schema.customMetadata);
}

/** Whether the numbers in a stream's buffers are big-endian. Its metadata never is. */
export function isBigEndian(view: DataView, { header }: MessageLocation): boolean {
  const endianness = tableField(view, header, fields.Schema.endianness);
  return endianness !== 0 && view.getInt16(endianness, true) === 1;
}

/**
 * @param columns the schema's columns
 * @throws SparkStreamError INVALID_IPC
 */
export function checkBatchMessage(view: DataView, message: MessageLocation, columns: readonly Field[]): void {
  const metadata = new MetadataCheck(view, message);
  metadata.keyValues(metadata.message, fields.Message.customMetadata);
  metadata.table(message.header);
  if (message.type === headerTypes.dictionaryBatch) {
    const data = metadata.optional(message.header, fields.DictionaryBatch.data);
    if (data === undefined) throw invalidIpc("a dictionary without values");
    checkDictionaryLength(view, message, data);
    checkBuffers(metadata, data);
  } else {
    checkBuffers(metadata, message.header);
    checkLengths(view, message, columns);
  }
}

/**
 * Checks a dictionary's length, since apache-arrow allocates by it: the batch's length, and at most one value per bit.
 */
function checkDictionaryLength(view: DataView, message: MessageLocation, batch: number): void {
  const length = batchLength(view, batch);
  const [node, end] = structVector(view, message, batch, fields.RecordBatch.nodes, STRUCT_BYTES);
  const found = node < end ? readLength(view, node) : 0;
  if (found !== length) throw invalidIpc(`a dictionary of ${length} values has ${found}`);
  const compressed = tableField(view, batch, fields.RecordBatch.compression) !== 0;
  const most = 8 * (message.end - message.bodyStart) * (compressed ? DICTIONARY_EXPANSION : 1);
  if (length > Math.max(most, FEW_VALUES))
    throw invalidIpc(`a dictionary claims ${length} values, more than its bytes hold`);
}

function checkField(metadata: MetadataCheck, field: number, depth: number): void {
  if (depth === MAX_DEPTH) {
    throw new SparkStreamError(
      "UNSUPPORTED",
      `A column's types are nested more than ${MAX_DEPTH} levels deep, which is the limit.`,
    );
  }
  metadata.string(field, fields.Field.name);
  metadata.optional(field, fields.Field.type);
  const dictionary = metadata.optional(field, fields.Field.dictionary);
  if (dictionary !== undefined) metadata.optional(dictionary, fields.DictionaryEncoding.indexType);
  for (const child of metadata.tables(field, fields.Field.children)) checkField(metadata, child, depth + 1);
  metadata.keyValues(field, fields.Field.customMetadata);
}

/** Checks that every buffer lies in the body, and that the data buffers of view columns are among them. */
function checkBuffers({ view, source }: MetadataCheck, batch: number): void {
  structVector(view, source, batch, fields.RecordBatch.nodes, STRUCT_BYTES);
  const compressed = tableField(view, batch, fields.RecordBatch.compression) !== 0;
  const decompressed = new DecompressedBytes();
  const [first, end] = structVector(view, source, batch, fields.RecordBatch.buffers, STRUCT_BYTES);
  const bodyLength = source.end - source.bodyStart;
  for (let buffer = first; buffer < end; buffer += STRUCT_BYTES) {
    const size = readLength(view, buffer + 8);
    const offset = readLength(view, buffer);
    if (offset + size > bodyLength) throw invalidIpc(`a buffer of ${size} bytes is not in its body`);
    if (compressed && size > 0) decompressed.add(claimedLength(view, source.bodyStart + offset, size));
  }
  let variadic = 0;
  const [firstCount, countsEnd] = structVector(view, source, batch, fields.RecordBatch.variadicBufferCounts, 8);
  for (let count = firstCount; count < countsEnd; count += 8) variadic += readLength(view, count);
  if (variadic > (end - first) / STRUCT_BYTES) throw invalidIpc("its views have more buffers than there are");
}

/** The size of a buffer once decompressed: an int64 before its bytes, or -1 if they are not compressed (0 here). */
function claimedLength(view: DataView, start: number, size: number): number {
  if (size < 8) throw invalidIpc(`a compressed buffer of ${size} bytes`);
  return view.getBigInt64(start, true) === -1n ? 0 : readLength(view, start);
}

/** Checks that every column is as long as the batch: apache-arrow would fill a shorter one with nulls. */
function checkLengths(view: DataView, message: MessageLocation, columns: readonly Field[]): void {
  const length = batchLength(view, message.header);
  let [node, end] = structVector(view, message, message.header, fields.RecordBatch.nodes, STRUCT_BYTES);
  for (const field of columns) {
    if (node >= end) throw invalidIpc(`it has no field node for ${JSON.stringify(field.name)}`);
    const found = readLength(view, node);
    if (found !== length) {
      throw invalidIpc(`a batch of ${length} rows has ${found} in column ${JSON.stringify(field.name)}`);
    }
    node += STRUCT_BYTES * nodesOf(field.type);
  }
}

/**
 * The number of a column's field nodes: its own and its children's. A dictionary's values have messages of their own.
 */
function nodesOf(type: DataType): number {
  if (DataType.isDictionary(type)) return 1;
  return (type.children ?? []).reduce((sum, child) => sum + nodesOf(child.type), 1);
}

/** Checks the bounds of the parts of one message's flatbuffer. */
class MetadataCheck {
  readonly view: DataView;
  readonly source: MessageLocation;
  /** Position of the Message table. */
  readonly message: number;
  /** How many more tables fit into the bytes. If more are read, several references share a table. */
  #tablesLeft: number;

  constructor(view: DataView, source: MessageLocation) {
    this.view = view;
    this.source = source;
    this.message = indirect(view, source.start + PREFIX_BYTES);
    this.#tablesLeft = (source.bodyStart - source.start) / 4;
  }

  table(position: number): void {
    if (--this.#tablesLeft < 0) throw invalidIpc("its metadata refers to more than it holds");
    this.#within(position, 4);
    const vtable = position - this.view.getInt32(position, true);
    this.#within(vtable, 4);
    this.#within(vtable, this.view.getUint16(vtable, true));
    this.#within(position, this.view.getUint16(vtable + 2, true));
  }

  /** The table that a field refers to, if it has one. */
  optional(table: number, field: number): number | undefined {
    const position = tableField(this.view, table, field);
    if (position === 0) return undefined;
    const target = indirect(this.view, position);
    this.table(target);
    return target;
  }

  /** The tables of a vector of tables. */
  tables(table: number, field: number): number[] {
    const [first, end] = structVector(this.view, this.source, table, field, 4);
    const found: number[] = [];
    for (let element = first; element < end; element += 4) {
      const target = indirect(this.view, element);
      this.table(target);
      found.push(target);
    }
    return found;
  }

  string(table: number, field: number): void {
    structVector(this.view, this.source, table, field, 1);
  }

  keyValues(table: number, field: number): void {
    for (const pair of this.tables(table, field)) {
      this.string(pair, fields.KeyValue.key);
      this.string(pair, fields.KeyValue.value);
    }
  }

  #within(position: number, size: number): void {
    if (position < 0 || position + size > this.source.bodyStart)
      throw invalidIpc("its metadata reaches beyond its end");
  }
}
