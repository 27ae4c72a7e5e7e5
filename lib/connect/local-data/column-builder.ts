/**
 * Makes a column of JavaScript values, of a type that sparkSchema() makes. In: one value after the other. Out: the column,
 * or an error that names the row, the field, and what was expected.
 *
 * Memory: the buffers of the column, each at most twice as large as what is in it.
 */
import { Data, type DataType, type Field, IntervalUnit, Precision, Type } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { SparkStreamError } from "../../errors.js";
import { isBag, shown } from "../../runtime/check-options.js";
import { sqlType } from "../session/sql-type.js";
import { daysOf, durationOf, microsOf, monthsOf, timeOf, unscaledOf } from "./value-text.js";

/** Where the builders of a frame are. */
export interface Progress {
  /** The row whose values are being added, from 0. */
  row: number;
  /** Bytes of the values since the last batch, roughly. */
  bytes: number;
}

const LONG_MAX = 2n ** 63n - 1n;
const TWO_32 = 2 ** 32;
const MS_PER_DAY = 86_400_000;

/** A value does not fit: what follows "must be". */
type Expected = string;

export abstract class ColumnBuilder {
  protected length = 0;
  protected readonly type: DataType;
  readonly #field: Field;
  readonly #path: string;
  protected readonly progress: Progress;
  #nulls = 0;
  #bits = new Uint8Array(64);

  constructor(field: Field, path: string, progress: Progress) {
    this.#field = field;
    this.type = field.type;
    this.#path = path;
    this.progress = progress;
  }

  /** @throws SparkStreamError INVALID_INPUT for a value that does not fit the field */
  append(value: unknown): void {
    if (value === null || value === undefined) {
      if (!this.#field.nullable) throw this.#misfit("a value (the field is NOT NULL)", value);
      this.appendNull();
      return;
    }
    const expected = this.add(value);
    if (expected !== undefined) throw this.#misfit(expected, value);
    if (this.length >> 3 >= this.#bits.length) this.#bits = grown(this.#bits, this.#bits.length + 1);
    this.#bits[this.length >> 3]! |= 1 << (this.length & 7);
    this.length++;
  }

  /** Appends a null, also if the field has none: beneath a struct that is null. */
  appendNull(): void {
    if (this.length >> 3 >= this.#bits.length) this.#bits = grown(this.#bits, this.#bits.length + 1);
    this.addNull();
    this.length++;
    this.#nulls++;
  }

  finish(): Data {
    const { offsets, values, children = [] } = this.buffers();
    return new Data(this.type, 0, this.length, this.#nulls, [offsets, values, this.#bits] as never, children);
  }

  /** Adds a value; returns what it must be if it is not. */
  protected abstract add(value: unknown): Expected | undefined;
  protected abstract addNull(): void;
  protected abstract buffers(): { offsets?: Int32Array; values?: ArrayBufferView; children?: Data[] };

  /** The field's type, as SQL has it. */
  protected get sql(): string {
    return sqlType(this.#field) ?? `${this.type}`;
  }

  #misfit(expected: Expected, value: unknown): SparkStreamError {
    const message = `Row ${this.progress.row} does not fit: \`${this.#path}\` must be ${expected}, not ${shown(value)}. Nothing was written.`;
    return new SparkStreamError("INVALID_INPUT", message);
  }
}

/** @throws SparkStreamError UNSUPPORTED_TYPE for a type that no JavaScript value has */
export function columnBuilder(field: Field, path: string, progress: Progress): ColumnBuilder {
  const type = arrowType(field.type);
  switch (type.typeId) {
    case Type.Null:
      return new NullBuilder(field, path, progress);
    case Type.Bool:
      return new BooleanBuilder(field, path, progress);
    case Type.Int:
      return type.bitWidth === 64 ? new LongBuilder(field, path, progress) : new IntBuilder(field, path, progress);
    case Type.Float:
      return new FloatBuilder(field, path, progress);
    case Type.Decimal:
      return new DecimalBuilder(field, path, progress);
    case Type.Utf8:
      return new TextBuilder(field, path, progress);
    case Type.Binary:
      return new BytesBuilder(field, path, progress);
    case Type.Date:
      return new DateBuilder(field, path, progress);
    case Type.Timestamp:
      return new MicrosBuilder(field, path, progress, type.timezone ? instant : localTime);
    case Type.Time:
      return new MicrosBuilder(field, path, progress, timeOfDay);
    case Type.Duration:
      return new MicrosBuilder(field, path, progress, duration);
    case Type.Interval:
      if (type.unit === IntervalUnit.YEAR_MONTH) return new MonthsBuilder(field, path, progress);
      break;
    case Type.Struct:
      if (type.children.some(({ metadata }) => metadata.size > 0)) break; // VARIANT, GEOMETRY and their like
      return new StructBuilder(field, path, progress);
    case Type.List:
      return new ListBuilder(field, path, progress);
    case Type.Map:
      return new MapBuilder(field, path, progress);
  }
  const message = `Rows cannot have \`${path}\`: no JavaScript value is a ${sqlType(field) ?? type}. Make the column in Spark: createDataFrame(…).withColumn(…).`;
  throw new SparkStreamError("UNSUPPORTED_TYPE", message);
}

type Values =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array;

/** The array, or a copy that has room for `size` elements. */
function grown<T extends Values>(array: T, size: number): T {
  if (array.length >= size) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(size, 2 * array.length));
  larger.set(array as never);
  return larger;
}

/** Elements that a new buffer has room for. */
const ROOM = 256;

class NullBuilder extends ColumnBuilder {
  protected override add(): Expected {
    return "null";
  }
  protected override addNull(): void {}
  protected override buffers() {
    return {};
  }
}

class BooleanBuilder extends ColumnBuilder {
  #values = new Uint8Array(ROOM);

  protected override add(value: unknown): Expected | undefined {
    if (typeof value !== "boolean") return `a boolean (${this.sql})`;
    this.addNull();
    if (value) this.#values[this.length >> 3]! |= 1 << (this.length & 7);
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, (this.length >> 3) + 1);
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

const intArrays = { 8: Int8Array, 16: Int16Array, 32: Int32Array } as const;

class IntBuilder extends ColumnBuilder {
  readonly #most = 2 ** ((this.type as DataType & { bitWidth: number }).bitWidth - 1) - 1;
  #values = new intArrays[(this.type as DataType & { bitWidth: 8 | 16 | 32 }).bitWidth](ROOM);

  protected override add(value: unknown): Expected | undefined {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (!Number.isInteger(number) || (number as number) > this.#most || (number as number) < -this.#most - 1) {
      return `a whole number from ${-this.#most - 1} to ${this.#most} (${this.sql})`;
    }
    this.addNull();
    this.#values[this.length] = number as number;
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, this.length + 1);
    this.progress.bytes += this.#values.BYTES_PER_ELEMENT;
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

/** Writes numbers of 64 bits as two halves, which is faster than by a bigint each. */
abstract class Longs extends ColumnBuilder {
  #values = new BigInt64Array(ROOM);
  #halves = new Int32Array(this.#values.buffer);

  protected put(value: number | bigint): void {
    this.addNull();
    if (typeof value === "bigint") this.#values[this.length] = value;
    else {
      this.#halves[2 * this.length] = value; // the lower 32 bits, by the rules of ToInt32
      this.#halves[2 * this.length + 1] = Math.floor(value / TWO_32);
    }
  }

  protected override addNull(): void {
    this.progress.bytes += 8;
    if (this.length < this.#values.length) return;
    this.#values = grown(this.#values, this.length + 1);
    this.#halves = new Int32Array(this.#values.buffer);
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

class LongBuilder extends Longs {
  protected override add(value: unknown): Expected | undefined {
    if (Number.isSafeInteger(value)) this.put(value as number);
    else if (typeof value === "bigint" && isLong(value)) this.put(value);
    else return `a whole number of 64 bits, a bigint if it is beyond ±(2^53 - 1) (${this.sql})`;
    return undefined;
  }
}

function isLong(value: bigint): boolean {
  return value <= LONG_MAX && value >= -LONG_MAX - 1n;
}

class FloatBuilder extends ColumnBuilder {
  #values =
    (this.type as DataType & { precision: Precision }).precision === Precision.SINGLE
      ? new Float32Array(ROOM)
      : new Float64Array(ROOM);

  protected override add(value: unknown): Expected | undefined {
    if (typeof value !== "number") return `a number (${this.sql})`;
    this.addNull();
    this.#values[this.length] = value;
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, this.length + 1);
    this.progress.bytes += this.#values.BYTES_PER_ELEMENT;
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

class DecimalBuilder extends ColumnBuilder {
  readonly #scale = (this.type as DataType & { scale: number }).scale;
  readonly #most = 10n ** BigInt((this.type as DataType & { precision: number }).precision) - 1n;
  #values = new Uint32Array(4 * ROOM);

  protected override add(value: unknown): Expected | undefined {
    const kind = typeof value;
    const isText = kind === "string" || kind === "number" || kind === "bigint";
    const unscaled = isText ? unscaledOf(String(value), this.#scale) : undefined;
    if (unscaled === undefined || unscaled > this.#most || unscaled < -this.#most) {
      return `a number, a bigint or a text such as "12.50" that is exactly a ${this.sql}`;
    }
    this.addNull();
    const bits = BigInt.asUintN(128, unscaled);
    for (let word = 0; word < 4; word++) {
      this.#values[4 * this.length + word] = Number((bits >> BigInt(32 * word)) & 0xffff_ffffn);
    }
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, 4 * (this.length + 1));
    this.progress.bytes += 16;
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

/** Values of many bytes each. */
abstract class Bytes extends ColumnBuilder {
  #offsets = new Int32Array(ROOM);
  #bytes = Buffer.alloc(16 * ROOM);
  #size = 0;

  /** Room for so many more bytes. */
  protected room(size: number): Buffer {
    if (this.#size + size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#size + size, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  protected get size(): number {
    return this.#size;
  }

  protected advance(size: number): void {
    this.#size += size;
    this.progress.bytes += size;
    this.addNull();
  }

  protected override addNull(): void {
    this.#offsets = grown(this.#offsets, this.length + 2);
    this.#offsets[this.length + 1] = this.#size;
    this.progress.bytes += 4;
  }

  protected override buffers() {
    const { buffer, byteOffset } = this.#bytes;
    return { offsets: this.#offsets, values: new Uint8Array(buffer, byteOffset, this.#size) };
  }
}

/** Characters up to which a loop is faster than a call. */
const SHORT = 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

class TextBuilder extends Bytes {
  protected override add(value: unknown): Expected | undefined {
    if (typeof value !== "string") return `a string (${this.sql})`;
    if (value.length <= SHORT) {
      const written = writeAscii(this.room(value.length), value, this.size);
      if (written >= 0) {
        this.advance(written);
        return undefined;
      }
    }
    if (LONE_SURROGATE.test(value)) return `text that UTF-8 can express (${this.sql})`;
    const bytes = this.room(Buffer.byteLength(value));
    this.advance(bytes.write(value, this.size));
    return undefined;
  }
}

/** Returns how many bytes it wrote; -1 if the text has other characters. */
function writeAscii(bytes: Buffer, text: string, at: number): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return -1;
    bytes[at + index] = code;
  }
  return text.length;
}

class BytesBuilder extends Bytes {
  protected override add(value: unknown): Expected | undefined {
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    if (!(bytes instanceof Uint8Array)) return `a Uint8Array (${this.sql})`;
    this.room(bytes.length).set(bytes, this.size);
    this.advance(bytes.length);
    return undefined;
  }
}

class DateBuilder extends ColumnBuilder {
  #values = new Int32Array(ROOM);

  protected override add(value: unknown): Expected | undefined {
    const days =
      value instanceof Date ? value.getTime() / MS_PER_DAY : typeof value === "string" ? daysOf(value) : undefined;
    if (!Number.isInteger(days)) return `a text such as "2026-06-30", or a Date at midnight in UTC (${this.sql})`;
    this.addNull();
    this.#values[this.length] = days as number;
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, this.length + 1);
    this.progress.bytes += 4;
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

/** How a value of 64 bits is read from JavaScript's; undefined if it is another one. */
interface Reading {
  readonly is: string;
  of(value: unknown): number | bigint | undefined;
}

const fromText = (of: (text: string) => bigint | undefined) => (value: unknown) =>
  typeof value === "string" ? of(value) : undefined;

const instant: Reading = {
  is: 'a Date, or a text with a zone such as "2026-06-30T12:34:56.123456Z"',
  of(value) {
    if (!(value instanceof Date)) return typeof value === "string" ? microsOf(value, true) : undefined;
    const ms = value.getTime();
    if (Number.isNaN(ms)) return undefined;
    return Number.isSafeInteger(ms * 1000) ? ms * 1000 : BigInt(ms) * 1000n;
  },
};
const localTime: Reading = {
  is: 'a text without a zone such as "2026-06-30T12:34:56.123456"',
  of: fromText((text) => microsOf(text, false)),
};
const timeOfDay: Reading = { is: 'a text such as "12:34:56.123456"', of: fromText(timeOf) };
const duration: Reading = { is: 'a text such as "P1DT2H3M4.5S"', of: fromText(durationOf) };

class MicrosBuilder extends Longs {
  readonly #reading: Reading;

  constructor(field: Field, path: string, progress: Progress, reading: Reading) {
    super(field, path, progress);
    this.#reading = reading;
  }

  protected override add(value: unknown): Expected | undefined {
    const found = this.#reading.of(value);
    if (found === undefined || (typeof found === "bigint" && !isLong(found)))
      return `${this.#reading.is} (${this.sql})`;
    this.put(found);
    return undefined;
  }
}

class MonthsBuilder extends ColumnBuilder {
  #values = new Int32Array(ROOM);

  protected override add(value: unknown): Expected | undefined {
    const months = typeof value === "string" ? monthsOf(value) : undefined;
    if (months === undefined || months !== months >> 0) return `a text such as "P1Y2M" (${this.sql})`;
    this.addNull();
    this.#values[this.length] = months;
    return undefined;
  }

  protected override addNull(): void {
    this.#values = grown(this.#values, this.length + 1);
    this.progress.bytes += 4;
  }

  protected override buffers() {
    return { values: this.#values };
  }
}

/** Adds the fields of an object to their columns. */
export class FieldsBuilder {
  readonly #names: readonly string[];
  /** Whether every object inherits something of that name, such as "constructor", which is no value of a row. */
  readonly #inherited: readonly boolean[];
  readonly #known: ReadonlySet<string>;
  readonly #columns: readonly ColumnBuilder[];

  /** @throws SparkStreamError INVALID_INPUT if two fields have one name, of which an object keeps only one */
  constructor(fields: readonly Field[], path: string, progress: Progress) {
    this.#names = fields.map(({ name }) => name);
    this.#inherited = this.#names.map((name) => name in Object.prototype);
    this.#known = new Set(this.#names);
    this.#columns = fields.map((field) => columnBuilder(field, path + field.name, progress));
    if (this.#known.size === fields.length) return;
    const twin = this.#names.find((name, index) => this.#names.indexOf(name) !== index);
    throw new SparkStreamError(
      "INVALID_INPUT",
      `The schema has two fields \`${path}${twin}\`, and an object has only one.`,
    );
  }

  /** The first field of the object that is not one of these. */
  unknownField(row: object): string | undefined {
    for (const name in row) if (!this.#known.has(name) && Object.hasOwn(row, name)) return name;
    return undefined;
  }

  append(row: object): void {
    const values = row as Record<string, unknown>;
    for (let index = 0; index < this.#columns.length; index++) {
      const name = this.#names[index]!;
      const isOwn = !this.#inherited[index] || Object.hasOwn(row, name);
      this.#columns[index]!.append(isOwn ? values[name] : null);
    }
  }

  appendNull(): void {
    for (const column of this.#columns) column.appendNull();
  }

  finish(): Data[] {
    return this.#columns.map((column) => column.finish());
  }
}

class StructBuilder extends ColumnBuilder {
  readonly #fields: FieldsBuilder;

  constructor(field: Field, path: string, progress: Progress) {
    super(field, path, progress);
    this.#fields = new FieldsBuilder(field.type.children, `${path}.`, progress);
  }

  protected override add(value: unknown): Expected | undefined {
    if (!isBag(value)) return `an object (${this.sql})`;
    const unknown = this.#fields.unknownField(value);
    if (unknown !== undefined)
      return `an object without other fields than ${this.sql} has, such as ${JSON.stringify(unknown)}`;
    this.#fields.append(value);
    return undefined;
  }

  protected override addNull(): void {
    this.#fields.appendNull();
  }

  protected override buffers() {
    return { children: this.#fields.finish() };
  }
}

class ListBuilder extends ColumnBuilder {
  readonly #elements: ColumnBuilder;
  #offsets = new Int32Array(ROOM);
  #count = 0;

  constructor(field: Field, path: string, progress: Progress) {
    super(field, path, progress);
    this.#elements = columnBuilder(field.type.children[0]!, `${path}[]`, progress);
  }

  protected override add(value: unknown): Expected | undefined {
    if (!Array.isArray(value) && !isTypedArray(value)) return `an array (${this.sql})`;
    for (let index = 0; index < value.length; index++) this.#elements.append(value[index]);
    this.#count += value.length;
    this.addNull();
    return undefined;
  }

  protected override addNull(): void {
    this.#offsets = grown(this.#offsets, this.length + 2);
    this.#offsets[this.length + 1] = this.#count;
    this.progress.bytes += 4;
  }

  protected override buffers() {
    return { offsets: this.#offsets, children: [this.#elements.finish()] };
  }
}

export function isTypedArray(value: unknown): value is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

class MapBuilder extends ColumnBuilder {
  readonly #entries: Field;
  readonly #keys: ColumnBuilder;
  readonly #values: ColumnBuilder;
  #offsets = new Int32Array(ROOM);
  #count = 0;

  constructor(field: Field, path: string, progress: Progress) {
    super(field, path, progress);
    this.#entries = field.type.children[0]!;
    const [key, value] = this.#entries.type.children as [Field, Field];
    this.#keys = columnBuilder(key, `${path}.key`, progress);
    this.#values = columnBuilder(value, `${path}.value`, progress);
  }

  protected override add(value: unknown): Expected | undefined {
    if (!(value instanceof Map) && !isBag(value)) return `a Map, or an object (${this.sql})`;
    for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
      this.#keys.append(key);
      this.#values.append(item);
      this.#count++;
    }
    this.addNull();
    return undefined;
  }

  protected override addNull(): void {
    this.#offsets = grown(this.#offsets, this.length + 2);
    this.#offsets[this.length + 1] = this.#count;
    this.progress.bytes += 4;
  }

  protected override buffers() {
    const children = [this.#keys.finish(), this.#values.finish()];
    const entries = new Data(this.#entries.type, 0, this.#count, 0, undefined, children);
    return { offsets: this.#offsets, children: [entries] };
  }
}
