/** Makes pieces of JSON text of a column's rows; docs/types.md has the table. */
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import type { ValueFormat } from "./column-reader.js";
import { shortestOf } from "./float-text.js";
import { jsFormat } from "./js-format.js";
import type { TextValueOptions } from "./value-options.js";
import { floatJson } from "./variant-text.js";

export function jsonFormat(options: TextValueOptions): ValueFormat<string> {
  const { binary = "base64", timestamps = "string", invalidText } = options;
  const js = jsFormat({ binary, timestamps, ...(invalidText && { invalidText }) });
  const texts = jsonTexts(options);
  return {
    null: "null",
    leaf(type, variant) {
      const read = js.leaf(type, variant);
      const text = variant ? String : byType(type, texts);
      return read && ((data) => mapped(read(data), (value) => (value === null ? "null" : text(value))));
    },
    nested: {
      list: (values, from, to) => `[${joined(values, from, to)}]`,
      struct(names) {
        const heads = jsonHeads(names);
        return (columns) => (row) => jsonObject(heads, columns, row);
      },
      map(keyType) {
        if (keyType.children?.length) return pairs;
        return (keys, values, from, to) => {
          let text = "";
          for (let index = from; index < to; index++) {
            const key = keys[index]!;
            text += `${text === "" ? "" : ","}${key.startsWith('"') ? key : `"${key}"`}:${values[index]}`;
          }
          return `{${text}}`;
        };
      },
    },
  };
}

/** The text before each value of an object with these fields. */
export function jsonHeads(names: readonly string[]): string[] {
  return names.map((name, index) => `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`);
}

export function jsonObject(heads: readonly string[], columns: readonly ArrayLike<string>[], row: number): string {
  if (heads.length === 0) return "{}";
  let text = "";
  for (let index = 0; index < heads.length; index++) text += heads[index]! + columns[index]![row];
  return `${text}}`;
}

type ToJson = (value: unknown) => string;

/** Formats a type's values other than null, as js-format.ts makes them, as JSON text. */
function jsonTexts({ decimals, integers = "auto" }: TextValueOptions): TypeTable<ToJson> {
  const quoted = () => (value: unknown) => JSON.stringify(value);
  return {
    Null: quoted,
    Bool: () => String,
    Int: () => (value) => (typeof value === "bigint" ? bigintJson(value, integers) : String(value)),
    Float({ precision }) {
      const shortest = shortestOf(precision);
      return shortest ? (value) => floatJson(shortest(value as number)) : (value) => floatJson(value as number);
    },
    Decimal: () => (decimals === "number" ? String : (value) => `"${value}"`),
    Utf8: quoted,
    LargeUtf8: quoted,
    Utf8View: quoted,
    Binary: quoted,
    LargeBinary: quoted,
    BinaryView: quoted,
    FixedSizeBinary: quoted,
    Date: quoted,
    Time: quoted,
    Timestamp: () => (value) => (typeof value === "bigint" ? bigintJson(value, integers) : `"${value}"`),
    Duration: quoted,
    Interval: quoted,
    // The other types have no value of their own: it is composed of their children's values.
    Struct: quoted,
    List: quoted,
    LargeList: quoted,
    FixedSizeList: quoted,
    Map: quoted,
    Union: quoted,
    Dictionary: quoted,
  };
}

export function bigintJson(value: bigint, integers: "auto" | "number" | "string"): string {
  const safe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
  return integers === "number" || (safe && integers === "auto") ? String(value) : `"${value}"`;
}

/** Formats a map as a list of entries, for keys that are not text and so cannot be names. */
function pairs(keys: ArrayLike<string>, values: ArrayLike<string>, from: number, to: number): string {
  const entries: string[] = [];
  for (let index = from; index < to; index++) entries.push(`{"key":${keys[index]},"value":${values[index]}}`);
  return `[${entries.join(",")}]`;
}

function joined(values: ArrayLike<string>, from: number, to: number): string {
  let text = "";
  for (let index = from; index < to; index++) text += index === from ? values[index] : `,${values[index]}`;
  return text;
}

export function mapped<T, U>(values: ArrayLike<T>, map: (value: T) => U): U[] {
  const result: U[] = new Array(values.length);
  for (let index = 0; index < values.length; index++) result[index] = map(values[index]!);
  return result;
}
