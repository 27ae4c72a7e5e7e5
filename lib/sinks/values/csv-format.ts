/** A column's rows as the text of CSV cells; docs/types.md has the table. */
import type { DataType } from "apache-arrow";
import type { ValueFormat } from "./column-reader.js";
import { jsFormat } from "./js-format.js";
import { base64, mapped } from "./json-format.js";

/** @param nullText the text of a null; undefined for an empty cell without quotes. */
export function csvFormat(nullText: string | undefined): ValueFormat<string | null> {
  const js = jsFormat({});
  return {
    null: nullText ?? null,
    leaf(type: DataType, variant: boolean) {
      const read = js.leaf(type, variant);
      return read && ((data) => mapped(read(data), (value) => (value === null ? (nullText ?? null) : cell(value))));
    },
  };
}

function cell(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return base64(value);
  return Object.is(value, -0) ? "-0" : String(value);
}
