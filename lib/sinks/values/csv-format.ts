/** Makes CSV cells of a column's rows; docs/types.md has the table. */
import { DataType } from "apache-arrow";
import type { ValueFormat } from "./column-reader.js";
import { shortestOf } from "./float-text.js";
import { jsFormat } from "./js-format.js";
import { mapped } from "./json-format.js";
import type { TextValueOptions } from "./value-options.js";

/**
 * A cell: null is an empty one, a text is quoted if needed or empty, the object is always quoted.
 */
export type CsvCell = null | string | { readonly value: string; readonly quoted: true };

export interface CsvFormatOptions extends Pick<TextValueOptions, "timestamps" | "binary" | "invalidText"> {
  /** The text of a null, without quotes. A value with the same text gets quotes. */
  nullText?: string | undefined;
  /** Whether there is only one column: readers skip an empty line, so a null is `""` there. */
  alone: boolean;
}

export function csvFormat({ nullText, alone, ...options }: CsvFormatOptions): ValueFormat<CsvCell> {
  const js = jsFormat({ binary: "base64", ...options });
  const nothing = nullText || (alone ? "" : null);
  return {
    null: nothing,
    leaf(type, variant) {
      const read = js.leaf(type, variant);
      const text = variant ? cellText : textOf(type);
      const cell = (value: unknown) => {
        if (value === null) return nothing;
        const found = text(value);
        return found === nullText && found !== "" ? ({ value: found, quoted: true } as const) : found;
      };
      return read && ((data) => mapped(read(data), cell));
    },
  };
}

/** Formats the values of a type, as js-format.ts makes them: strings, numbers and booleans. */
function textOf(type: DataType): (value: unknown) => string {
  const shortest = DataType.isFloat(type) ? shortestOf(type.precision) : undefined;
  return shortest ? (value) => cellText(shortest(value as number)) : cellText;
}

function cellText(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
