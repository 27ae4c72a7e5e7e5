/**
 * Checks the metadata of an IPC message before apache-arrow's own reader gets to see it. That reader believes every length
 * and offset it finds: one flipped bit in a schema, and it makes thousands of millions of fields, until the process dies.
 * Bounds of tables, vectors and strings are checked, and how deep and how many they are; not what they mean.
 *
 * Tables with parts that vary in length (Schema.fbs and Message.fbs; a field's number is its place in the vtable):
 *
 *   Message             4 custom_metadata:[KeyValue]
 *   Schema              0 endianness:int16     1 fields:[Field]      2 custom_metadata:[KeyValue]
 *   Field               0 name:string          3 type:table          4 dictionary:DictionaryEncoding
 *                       5 children:[Field]     6 custom_metadata:[KeyValue]
 *   DictionaryEncoding  1 indexType:table
 *   KeyValue            0 key:string           1 value:string
 *   DictionaryBatch     1 data:RecordBatch
 *   RecordBatch         0 length:int64         1 nodes:[16 bytes]    2 buffers:[16 bytes]
 *                       4 variadicBufferCounts:[int64]
 */
import { DataType, type Field } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { invalidIpc } from "./invalid-ipc.js";
import { headerType, type IpcMessage, indirect, readLength, structVector, tableField } from "./message.js";
import { RestoredBytes } from "./restored-bytes.js";

/** Nested types; as many as Arrow's C++ library accepts. */
const MAX_DEPTH = 128;
/** Compressed, a byte of a dictionary stands for this many at the most: its values differ from each other. */
const DICTIONARY_EXPANSION = 256;
/** Values that a dictionary may have whatever its bytes: those of some types take none. */
const FEW_VALUES = 1024;

/** @throws SparkStreamError INVALID_IPC */
export function checkSchemaMessage(view: DataView, message: IpcMessage): void {
  const metadata = new MetadataCheck(view, message);
  metadata.keyValues(metadata.message, 4);
  metadata.table(message.header);
  for (const field of metadata.tables(message.header, 1)) checkField(metadata, field, 0);
  metadata.keyValues(message.header, 2);
}

/** Whether the numbers of a stream's buffers have their highest byte first; its metadata never has. */
export function isBigEndian(view: DataView, { header }: IpcMessage): boolean {
  const endianness = tableField(view, header, 0);
  return endianness !== 0 && view.getInt16(endianness, true) === 1;
}

/**
 * @param fields of the schema
 * @throws SparkStreamError INVALID_IPC
 */
export function checkBatchMessage(view: DataView, message: IpcMessage, fields: readonly Field[]): void {
  const metadata = new MetadataCheck(view, message);
  metadata.keyValues(metadata.message, 4);
  metadata.table(message.header);
  if (message.type === headerType.dictionaryBatch) {
    const data = metadata.optional(message.header, 1);
    if (data === undefined) throw invalidIpc("a dictionary without values");
    checkDictionaryLength(view, message, data);
    checkBuffers(metadata, data);
  } else {
    checkBuffers(metadata, message.header);
    checkLengths(view, message, fields);
  }
}

/** Of its values, for all of which apache-arrow makes room: as many as the batch says, and no more than there are bits. */
function checkDictionaryLength(view: DataView, message: IpcMessage, batch: number): void {
  const lengthField = tableField(view, batch, 0);
  const length = lengthField === 0 ? 0 : readLength(view, lengthField);
  const [node, end] = structVector(view, message, batch, 1, 16);
  const found = node < end ? readLength(view, node) : 0;
  if (found !== length) throw invalidIpc(`a dictionary of ${length} values has ${found}`);
  const compressed = tableField(view, batch, 3) !== 0;
  const most = 8 * (message.end - message.bodyStart) * (compressed ? DICTIONARY_EXPANSION : 1);
  if (length > Math.max(most, FEW_VALUES))
    throw invalidIpc(`a dictionary claims ${length} values, more than its bytes hold`);
}

function checkField(metadata: MetadataCheck, field: number, depth: number): void {
  if (depth === MAX_DEPTH) {
    throw new SparkStreamError(
      "UNSUPPORTED",
      `A column's types are nested more than ${MAX_DEPTH} deep: no deeper ones are read.`,
    );
  }
  metadata.string(field, 0);
  metadata.optional(field, 3);
  const dictionary = metadata.optional(field, 4);
  if (dictionary !== undefined) metadata.optional(dictionary, 1);
  for (const child of metadata.tables(field, 5)) checkField(metadata, child, depth + 1);
  metadata.keyValues(field, 6);
}

/** Every buffer lies in the body, and the buffers of the views are among them. */
function checkBuffers({ view, source }: MetadataCheck, batch: number): void {
  structVector(view, source, batch, 1, 16);
  const compressed = tableField(view, batch, 3) !== 0;
  const restored = new RestoredBytes();
  const [first, end] = structVector(view, source, batch, 2, 16);
  const bodyLength = source.end - source.bodyStart;
  for (let buffer = first; buffer < end; buffer += 16) {
    const size = readLength(view, buffer + 8);
    const offset = readLength(view, buffer);
    if (offset + size > bodyLength) throw invalidIpc(`a buffer of ${size} bytes is not in its body`);
    if (compressed && size > 0) restored.add(claimedLength(view, source.bodyStart + offset, size));
  }
  let variadic = 0;
  const [firstCount, countsEnd] = structVector(view, source, batch, 4, 8);
  for (let count = firstCount; count < countsEnd; count += 8) variadic += readLength(view, count);
  if (variadic > (end - first) / 16) throw invalidIpc("its views have more buffers than there are");
}

/** A compressed buffer is an int64 with its size once restored (-1: it is plain) and then its bytes. */
function claimedLength(view: DataView, start: number, size: number): number {
  if (size < 8) throw invalidIpc(`a compressed buffer of ${size} bytes`);
  return view.getBigInt64(start, true) === -1n ? 0 : readLength(view, start);
}

/** Every column is as long as the batch: apache-arrow would fill it up with nulls. */
function checkLengths(view: DataView, message: IpcMessage, fields: readonly Field[]): void {
  const lengthField = tableField(view, message.header, 0);
  const length = lengthField === 0 ? 0 : readLength(view, lengthField);
  let [node, end] = structVector(view, message, message.header, 1, 16);
  for (const field of fields) {
    if (node >= end) throw invalidIpc(`it has no field node for ${JSON.stringify(field.name)}`);
    const found = readLength(view, node);
    if (found !== length) {
      throw invalidIpc(`a batch of ${length} rows has ${found} in column ${JSON.stringify(field.name)}`);
    }
    node += 16 * nodesOf(field.type);
  }
}

function nodesOf(type: DataType): number {
  if (DataType.isDictionary(type)) return 1;
  return (type.children ?? []).reduce((sum, child) => sum + nodesOf(child.type), 1);
}

/** Bounds of the parts of one message's flatbuffer. */
class MetadataCheck {
  readonly view: DataView;
  readonly source: IpcMessage;
  /** Position of the Message table. */
  readonly message: number;
  /** Tables that may still come: none takes fewer bytes than this, unless one stands for several. */
  #tablesLeft: number;

  constructor(view: DataView, source: IpcMessage) {
    this.view = view;
    this.source = source;
    this.message = indirect(view, source.start + 8);
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

  /** The table that a field refers to, if it does. */
  optional(table: number, field: number): number | undefined {
    const position = tableField(this.view, table, field);
    if (position === 0) return undefined;
    const target = indirect(this.view, position);
    this.table(target);
    return target;
  }

  /** The tables in a vector of them. */
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
      this.string(pair, 0);
      this.string(pair, 1);
    }
  }

  #within(position: number, size: number): void {
    if (position < 0 || position + size > this.source.bodyStart)
      throw invalidIpc("its metadata reaches beyond its end");
  }
}
