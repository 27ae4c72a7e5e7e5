import {
  type Data,
  type DataType,
  Field,
  MapRow,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  StructRow,
  Table,
  tableFromIPC,
  Vector,
} from "apache-arrow";

export interface Row {
  readonly arrow_ipc_bytes: Uint8Array;
}

/** A record batch of columns by their names; all nullable. */
export function batchOf(columns: Readonly<Record<string, Vector>>): RecordBatch {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type as DataType, true));
  const children = Object.values(columns).map((vector) => vector.data[0] as Data);
  const length = children[0]?.length ?? 0;
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length, nullCount: 0, children }) as never,
  );
}

/** Record batches of one schema as one Arrow IPC stream, by apache-arrow's own writer. */
export function ipcOf(...batches: RecordBatch[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(RecordBatchStreamWriter.writeAll(batches).toUint8Array(true));
}

/** An Arrow IPC stream that has a schema and no batch. */
export function ipcOfSchema(schema: Schema): Uint8Array<ArrayBuffer> {
  return new Uint8Array(RecordBatchStreamWriter.writeAll(new Table(schema)).toUint8Array(true)).slice();
}

export const rowsOf = (...batches: RecordBatch[]): Row[] => batches.map((batch) => ({ arrow_ipc_bytes: ipcOf(batch) }));

/** A copy of the bytes at so many bytes from a multiple of 8, with others around them. */
export function placedAt(offset: number, bytes: Uint8Array, around = 0xa5): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(16 + bytes.length + 16).fill(around);
  buffer.set(bytes, 8 + offset);
  return buffer.subarray(8 + offset, 8 + offset + bytes.length);
}

/** All there is to see of record batches, as plain data that can be compared. */
export function contentOf(batches: readonly RecordBatch[]) {
  return batches.map((batch) => ({
    fields: batch.schema.fields.map(({ name, type, nullable, metadata }) => ({
      name,
      type: `${type}`,
      nullable,
      metadata: [...metadata],
    })),
    rows: batch.numRows,
    columns: columnsOf(batch).map((vector) => ({
      type: `${vector.type}`,
      length: vector.length,
      nulls: vector.nullCount,
      values: plain(vector),
    })),
  }));
}

export const columnsOf = (batch: RecordBatch): Vector[] => batch.data.children.map((data) => new Vector([data]));

/** What apache-arrow's own reader makes of an Arrow IPC stream. */
export const expectedOf = (bytes: Uint8Array) => contentOf(tableFromIPC(Uint8Array.from(bytes)).batches);

/** A value of Arrow as plain data. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  if (value instanceof Vector) return Array.from({ length: value.length }, (_, index) => plain(value.get(index)));
  if (value instanceof StructRow || value instanceof MapRow) {
    return Object.entries(value.toJSON()).map(([key, part]) => [key, plain(part)]);
  }
  return value;
}

/** Every buffer that a record batch consists of. */
export function buffersOf(data: Data): ArrayBufferView[] {
  const own = [data.values, data.valueOffsets, data.nullBitmap, data.typeIds].filter((buffer) =>
    ArrayBuffer.isView(buffer),
  );
  return [...own.filter((buffer) => buffer.byteLength > 0), ...data.children.flatMap(buffersOf)];
}

/** What a promise, or a function, fails with. */
export async function failureOf(what: Promise<unknown> | (() => unknown)): Promise<Error> {
  try {
    await (typeof what === "function" ? what() : what);
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing failed.");
}

/** All that a stream gives. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}
