/**
 * Thrift's compact protocol, as far as a Parquet footer needs it: any struct is read to a plain tree, and a tree is
 * written back field for field, so that what this package does not know of a footer is kept as it was.
 *
 *     field header   1 byte: (id - id of the field before) << 4 | type; where that difference is not 1 to 15: type, zigzag id
 *     list header    1 byte: size << 4 | type of the elements; where the size is over 14: 0xf0 | type, varint size
 *     i16, i32, i64  zigzag varint
 *     binary         varint size, bytes
 *     struct         its fields, then a byte 0
 */

/** Type numbers of the protocol. */
export const thriftType = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

/**
 * A number is a bigint (i8 to i64); binary, and a double, are their bytes. As a struct, bytes stand for one that is
 * encoded already.
 */
export type ThriftValue = boolean | bigint | Uint8Array | ThriftList | ThriftStruct;
export interface ThriftList {
  /** Of the elements. */
  readonly type: number;
  readonly values: readonly ThriftValue[];
}
export interface ThriftField {
  readonly type: number;
  readonly value: ThriftValue;
}
/** By field id. */
export type ThriftStruct = Map<number, ThriftField>;

/** @throws RangeError where the bytes end too early. */
export function decodeThrift(bytes: Uint8Array): ThriftStruct {
  return new ThriftReader(bytes).struct();
}

export function encodeThrift(struct: ThriftStruct): Uint8Array {
  const writer = new ThriftWriter();
  writer.struct(struct);
  return writer.finish();
}

class ThriftReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(): ThriftStruct {
    const struct: ThriftStruct = new Map();
    for (let id = 0; ; ) {
      const header = this.#byte();
      if (header === 0) return struct;
      const type = header & 15;
      id = header >> 4 === 0 ? Number(this.#zigzag()) : id + (header >> 4);
      struct.set(id, { type, value: type <= thriftType.false ? type === thriftType.true : this.#value(type) });
    }
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case thriftType.true:
      case thriftType.false:
        return this.#byte() === thriftType.true;
      case thriftType.i8:
        return BigInt(this.#byte());
      case thriftType.i16:
      case thriftType.i32:
      case thriftType.i64:
        return this.#zigzag();
      case thriftType.double:
        return this.#take(8);
      case thriftType.binary:
        return this.#take(Number(this.#varint()));
      case thriftType.list:
      case thriftType.set:
        return this.#list();
      case thriftType.struct:
        return this.struct();
      default:
        throw new RangeError(`Thrift type ${type} has no place in a Parquet footer`);
    }
  }

  #list(): ThriftList {
    const header = this.#byte();
    const type = header & 15;
    const size = header >> 4 === 15 ? Number(this.#varint()) : header >> 4;
    const values: ThriftValue[] = [];
    for (let index = 0; index < size; index++) values.push(this.#value(type));
    return { type, values };
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw new RangeError("the Thrift bytes end too early");
    return byte;
  }

  #take(size: number): Uint8Array {
    const end = this.#position + size;
    if (end > this.#bytes.length) throw new RangeError("the Thrift bytes end too early");
    // A copy: a view would keep the whole file alive that the footer was read from.
    const taken = Uint8Array.prototype.slice.call(this.#bytes, this.#position, end);
    this.#position = end;
    return taken;
  }
}

class ThriftWriter {
  #bytes = new Uint8Array(1024);
  #position = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#position);
  }

  struct(struct: ThriftStruct): void {
    let previous = 0;
    for (const [id, { type, value }] of [...struct].sort(([a], [b]) => a - b)) {
      const written = typeof value === "boolean" ? (value ? thriftType.true : thriftType.false) : type;
      const step = id - previous;
      previous = id;
      if (step > 0 && step < 16) this.#byte((step << 4) | written);
      else {
        this.#byte(written);
        this.#zigzag(BigInt(id));
      }
      if (typeof value !== "boolean") this.#value(type, value);
    }
    this.#byte(0);
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === "boolean") this.#byte(value ? thriftType.true : thriftType.false);
    else if (typeof value === "bigint") {
      if (type === thriftType.i8) this.#byte(Number(value));
      else this.#zigzag(value);
    } else if (value instanceof Uint8Array) {
      if (type === thriftType.binary) this.#varint(BigInt(value.length));
      this.#raw(value);
    } else if (value instanceof Map) this.struct(value);
    else this.#list(value);
  }

  #list({ type, values }: ThriftList): void {
    if (values.length < 15) this.#byte((values.length << 4) | type);
    else {
      this.#byte(0xf0 | type);
      this.#varint(BigInt(values.length));
    }
    for (const value of values) this.#value(type, value);
  }

  #zigzag(value: bigint): void {
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  #varint(value: bigint): void {
    let rest = value;
    for (; rest > 127n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128);
    this.#byte(Number(rest));
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#position++] = byte;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  #room(size: number): void {
    if (this.#position + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#position + size));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
