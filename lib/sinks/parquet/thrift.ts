/**
 * Encodes plain objects in Thrift's compact protocol, as far as Parquet's footer and page headers need it.
 *
 *     field header   1 byte: (id - id of the field before) << 4 | type
 *     list header    1 byte: size << 4 | type of the elements; if the size is over 14: 0xf0 | type, varint size
 *     i16, i32, i64  zigzag varint
 *     binary         varint size, bytes
 *     struct         its fields, then a byte 0
 */
import { ByteBuffer } from "./byte-buffer.js";

const types = { true: 1, false: 2, i8: 3, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/**
 * A value: a number is an i32, a bigint an i64 (less than 2^53), a string UTF-8. Undefined fields are omitted; the step
 * from one id to the next is at most 15.
 */
export type ThriftValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ShortInt
  | EncodedStruct
  | readonly ThriftValue[]
  | ThriftStruct;
export interface ThriftStruct {
  readonly [id: number]: ThriftValue | undefined;
}

/** An i8 or an i16. */
export class ShortInt {
  readonly type: "i8" | "i16";
  readonly value: number;

  constructor(type: "i8" | "i16", value: number) {
    this.type = type;
    this.value = value;
  }
}

/** A struct that is already encoded: objects for many columns and row groups would take ten times the memory. */
export class EncodedStruct {
  readonly bytes: Uint8Array;

  constructor(struct: ThriftStruct) {
    this.bytes = encodeThrift(struct);
  }
}

const utf8 = new TextEncoder();

export function encodeThrift(struct: ThriftStruct): Uint8Array<ArrayBuffer> {
  const out = new ByteBuffer(64);
  writeStruct(out, struct);
  return out.view();
}

function typeOf(value: ThriftValue): number {
  if (typeof value === "boolean") return value ? types.true : types.false;
  if (typeof value === "number") return types.i32;
  if (typeof value === "bigint") return types.i64;
  if (typeof value === "string" || value instanceof Uint8Array) return types.binary;
  if (value instanceof ShortInt) return types[value.type];
  return Array.isArray(value) ? types.list : types.struct;
}

function writeStruct(out: ByteBuffer, struct: ThriftStruct): void {
  let previous = 0;
  // Integer keys are iterated in numeric order.
  for (const [key, value] of Object.entries(struct) as [string, ThriftValue | undefined][]) {
    if (value === undefined) continue;
    out.byte(((Number(key) - previous) << 4) | typeOf(value));
    previous = Number(key);
    if (typeof value !== "boolean") writeValue(out, value);
  }
  out.byte(0);
}

function writeValue(out: ByteBuffer, value: Exclude<ThriftValue, boolean>): void {
  if (typeof value === "number" || typeof value === "bigint") writeZigzag(out, Number(value));
  else if (value instanceof ShortInt) {
    if (value.type === "i8") out.byte(value.value);
    else writeZigzag(out, value.value);
  } else if (typeof value === "string") writeBinary(out, utf8.encode(value));
  else if (value instanceof Uint8Array) writeBinary(out, value);
  else if (value instanceof EncodedStruct) out.append(value.bytes);
  else if (Array.isArray(value)) writeList(out, value);
  else writeStruct(out, value as ThriftStruct);
}

function writeList(out: ByteBuffer, values: readonly Exclude<ThriftValue, boolean>[]): void {
  const type = values.length > 0 ? typeOf(values[0]!) : types.struct;
  if (values.length < 15) out.byte((values.length << 4) | type);
  else {
    out.byte(0xf0 | type);
    out.varint(values.length);
  }
  for (const value of values) writeValue(out, value);
}

function writeBinary(out: ByteBuffer, bytes: Uint8Array): void {
  out.varint(bytes.length);
  out.append(bytes);
}

function writeZigzag(out: ByteBuffer, value: number): void {
  out.varint(value < 0 ? -2 * value - 1 : 2 * value);
}
