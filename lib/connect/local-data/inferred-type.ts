/**
 * The type of a field, from all its values. In: one value after the other. Out: an Arrow type that Spark takes.
 *
 *     boolean          BOOLEAN
 *     number           BIGINT if all are whole and within ±(2^53 - 1), else DOUBLE
 *     bigint           BIGINT, and so are whole numbers beside it
 *     string           STRING
 *     Date             TIMESTAMP
 *     Uint8Array       BINARY
 *     array            ARRAY; other typed arrays: of their own type
 *     object           STRUCT, with the fields of all values in the order in which they appear
 *     Map              MAP
 *
 * As in PySpark all fields are nullable, and nothing becomes text because it stands beside text. Unlike PySpark, a frame
 * keeps the order of the fields, and whole and other numbers go together, since JavaScript has one type for both.
 *
 * Memory: the fields, not the values.
 */
import {
  Binary,
  Bool,
  type DataType,
  Decimal,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { isBag, shown } from "../../runtime/check-options.js";
import { isTypedArray } from "./column-builder.js";

type Kind = "boolean" | "number" | "string" | "Date" | "Uint8Array" | "array" | "object" | "Map";

const MAX_DEPTH = 128;
const LONG_MAX = 2n ** 63n - 1n;

/** Arrow types of the elements of typed arrays: Spark's for a signed one, the next wider for an unsigned one. */
const elementTypes: Readonly<Record<string, () => DataType>> = {
  Int8Array: () => new Int8(),
  Uint8ClampedArray: () => new Int16(),
  Int16Array: () => new Int16(),
  Uint16Array: () => new Int32(),
  Int32Array: () => new Int32(),
  Uint32Array: () => new Int64(),
  BigInt64Array: () => new Int64(),
  BigUint64Array: () => new Decimal(0, 20),
  Float32Array: () => new Float32(),
  Float64Array: () => new Float64(),
};

export class InferredType {
  readonly #path: string;
  #kind: Kind | undefined;
  /** Whether numbers were whole, and whether there were bigints. */
  #whole = true;
  #big = false;
  /** The class of typed arrays. */
  #typed: string | undefined;
  #element: InferredType | undefined;
  #key: InferredType | undefined;
  readonly fields: InferredFields;

  readonly #depth: number;

  /**
   * @param path the field's place in the rows, for messages
   * @param depth how many types are around it
   * @throws SparkStreamError INVALID_INPUT if values are nested too deep, as those that contain themselves are
   */
  constructor(path: string, depth = 0) {
    if (depth > MAX_DEPTH) {
      const message = `A value is nested more than ${MAX_DEPTH} deep, or contains itself: \`${path.slice(0, 60)}…\`. Nothing was written.`;
      throw new SparkStreamError("INVALID_INPUT", message);
    }
    this.#path = path;
    this.#depth = depth;
    this.fields = new InferredFields(`${path}.`, depth + 1);
  }

  /** @throws SparkStreamError INVALID_INPUT for a value that has no type, or another one than the values before it */
  add(value: unknown, row: number): void {
    if (value === null || value === undefined) return;
    const kind = this.#kindOf(value, row);
    if (this.#kind !== undefined && this.#kind !== kind) throw this.#conflict(this.#kind, kind, row);
    this.#kind = kind;
    if (kind === "number") this.#addNumber(value as number | bigint, row);
    else if (kind === "array") this.#addArray(value as readonly unknown[], row);
    else if (kind === "object") this.fields.add(value as object, row);
    else if (kind === "Map") this.#addMap(value as ReadonlyMap<unknown, unknown>, row);
  }

  /** @throws SparkStreamError INVALID_INPUT if there was no value */
  type(): DataType {
    switch (this.#kind) {
      case "boolean":
        return new Bool();
      case "number":
        return this.#whole ? new Int64() : new Float64();
      case "string":
        return new Utf8();
      case "Date":
        return new TimestampMicrosecond("UTC");
      case "Uint8Array":
        return new Binary();
      case "array": {
        const element = this.#typed === undefined ? this.#element!.type() : elementTypes[this.#typed]!();
        return new List(new Field("element", element, true));
      }
      case "object":
        return new Struct(this.fields.types());
      case "Map": {
        const entries = [new Field("key", this.#key!.type(), false), new Field("value", this.#element!.type(), true)];
        return new Map_(new Field("entries", new Struct(entries), false) as never, false);
      }
      case undefined: {
        const message = `The type of \`${this.#path}\` is unknown: it has no value in any row. Give createDataFrame() a schema.`;
        throw new SparkStreamError("INVALID_INPUT", message);
      }
    }
  }

  #kindOf(value: unknown, row: number): Kind {
    switch (typeof value) {
      case "boolean":
      case "number":
      case "string":
        return typeof value as Kind;
      case "bigint":
        return "number";
      case "object":
        if (Array.isArray(value)) return "array";
        if (value instanceof Date) return "Date";
        if (value instanceof Uint8Array) return "Uint8Array";
        if (value instanceof Map) return "Map";
        if (isTypedArray(value) && value.constructor.name in elementTypes) return "array";
        if (isBag(value)) return "object";
    }
    const message = `Row ${row}: \`${this.#path}\` is ${shown(value)}, which has no type in Spark. Nothing was written.`;
    throw new SparkStreamError("INVALID_INPUT", message);
  }

  #addNumber(value: number | bigint, row: number): void {
    if (typeof value === "bigint") {
      if (!this.#whole)
        throw this.#conflict("number with digits after the point, or beyond ±(2^53 - 1)", "bigint", row);
      if (value > LONG_MAX || value < -LONG_MAX - 1n) {
        const message = `Row ${row}: \`${this.#path}\` is ${value}n, which is beyond BIGINT. Give createDataFrame() a schema with DECIMAL(38, 0).`;
        throw new SparkStreamError("INVALID_INPUT", message);
      }
      this.#big = true;
    } else if (this.#whole && (!Number.isSafeInteger(value) || Object.is(value, -0))) {
      if (this.#big) throw this.#conflict("bigint", `number ${shown(value)}`, row);
      this.#whole = false;
    }
  }

  #addArray(value: readonly unknown[], row: number): void {
    const typed = Array.isArray(value) ? undefined : value.constructor.name;
    if (this.#element && this.#typed !== typed) throw this.#conflict(this.#typed ?? "array", typed ?? "array", row);
    this.#typed = typed;
    this.#element ??= new InferredType(`${this.#path}[]`, this.#depth + 1);
    if (typed !== undefined) return;
    for (let index = 0; index < value.length; index++) this.#element.add(value[index], row);
  }

  #addMap(value: ReadonlyMap<unknown, unknown>, row: number): void {
    this.#key ??= new InferredType(`${this.#path}.key`, this.#depth + 1);
    this.#element ??= new InferredType(`${this.#path}.value`, this.#depth + 1);
    for (const [key, item] of value) {
      this.#key.add(key, row);
      this.#element.add(item, row);
    }
  }

  #conflict(before: string, now: string, row: number): SparkStreamError {
    const message = `Row ${row}: \`${this.#path}\` is a ${now}, and a ${before} in rows before it. Make them one type, or give a schema. Nothing was written.`;
    return new SparkStreamError("INVALID_INPUT", message);
  }
}

/** The fields of all objects, in the order in which they appear. */
export class InferredFields {
  readonly #prefix: string;
  readonly #depth: number;
  readonly #types = new Map<string, InferredType>();

  constructor(prefix = "", depth = 0) {
    this.#prefix = prefix;
    this.#depth = depth;
  }

  add(row: object, index: number): void {
    for (const name in row) {
      if (!Object.hasOwn(row, name)) continue;
      let type = this.#types.get(name);
      if (!type) {
        type = new InferredType(this.#prefix + name, this.#depth);
        this.#types.set(name, type);
      }
      type.add((row as Record<string, unknown>)[name], index);
    }
  }

  types(): Field[] {
    return [...this.#types].map(([name, type]) => new Field(name, type.type(), true));
  }
}
