/** How values become text, or values of JavaScript: options of the same names and meanings in rows(), NDJSON and CSV. */
import { type OptionTable, oneOf } from "../../runtime/check-options.js";
import type { InvalidText } from "./invalid-text.js";

/** Options of `ndjsonWriter()`, `ndjsonLines()`, `csvWriter()` and `csvLines()`. */
export interface TextValueOptions {
  /** DECIMAL as its exact digits: as a string ("string", the default) or as a number. CSV makes no difference. */
  decimals?: "string" | "number";
  /**
   * BIGINT in JSON: a number where JavaScript has it exactly and a string elsewhere ("auto", the default), always a number, or
   * always a string. CSV makes no difference.
   */
  integers?: "auto" | "number" | "string";
  /**
   * TIMESTAMP and TIMESTAMP_NTZ as ISO 8601 text with all digits ("string", the default), or as a whole number of the column's unit
   * (microseconds) since 1970 ("bigint"), which JSON writes as `integers` says.
   */
  timestamps?: "string" | "bigint";
  /** BINARY as base64 (the default) or as hexadecimal digits. */
  binary?: "base64" | "hex";
  /**
   * The handling of text that is not UTF-8, which Spark does not check: an INVALID_INPUT error that names the column
   * and the row, or U+FFFD in place of the broken bytes. Default: "error".
   */
  invalidText?: InvalidText;
}

/** @internal */
export const textValueOptions: OptionTable<Omit<TextValueOptions, "invalidText">> = {
  decimals: oneOf("string", "number"),
  integers: oneOf("auto", "number", "string"),
  timestamps: oneOf("string", "bigint"),
  binary: oneOf("base64", "hex"),
};

/** Options of `rows()`, `df.collect()`, `df.rows()` and their relatives. */
export interface ValueOptions extends Omit<TextValueOptions, "timestamps" | "decimals" | "binary"> {
  /** DECIMAL as its exact digits, or as the nearest number. Default: "string". */
  decimals?: "string" | "number";
  /**
   * TIMESTAMP and TIMESTAMP_NTZ as ISO 8601 text with all digits, as a Date, which has only milliseconds, or as a bigint
   * of the column's unit (microseconds) since 1970. Default: "string".
   */
  timestamps?: "string" | "date" | "bigint";
  /** BINARY as a Uint8Array, or as text. Default: "bytes", and "base64" with `json`. */
  binary?: "bytes" | "base64" | "hex";
  /**
   * true: values as `ndjsonWriter()` writes them, so that each row survives JSON.stringify: BIGINT is a number, or a string where
   * that is not exact, BINARY base64, MAP an object, VARIANT the value itself. Default: false.
   */
  json?: boolean;
  /** With `json`: see {@link TextValueOptions}. */
  integers?: "auto" | "number" | "string";
}
