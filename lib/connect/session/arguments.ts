/** What the arguments of sessions, DataFrames, readers and writers must be. */
import { INT_MAX, isBag, isTag, isText, type Rule, whole } from "../../runtime/check-options.js";

/** The property by which a DataFrame is recognized without loading its class, and gRPC with it. */
export const dataFrameMark = Symbol.for("spark-arrow-stream.DataFrame");

export function hasDataFrameMark(value: unknown): boolean {
  return typeof value === "object" && value !== null && dataFrameMark in value;
}

const LONG_MAX = 2n ** 63n - 1n;

export const dataFrame: Rule = [hasDataFrameMark, "a DataFrame"];

/** An int32 of the protocol. */
export const rowCount = whole(0, INT_MAX, "rows");
export const partitionCount = whole(1, INT_MAX, "partitions");

/** An int64 of the protocol. A number beyond 2^53 may stand for its neighbour, so it has to be a bigint. */
export const long: Rule = [
  (value) => Number.isSafeInteger(value) || (typeof value === "bigint" && value >= -LONG_MAX - 1n && value <= LONG_MAX),
  "a whole number of 64 bits, a bigint if it is beyond 2^53",
];

export const step: Rule = [(value) => long[0](value) && Number(value) !== 0, `${long[1]}, and not 0`];

/** The value of a setting, or of an option of a source. */
export const settingValue: Rule = [
  (value) => isText(value) || typeof value === "boolean" || Number.isFinite(value),
  "a string, a number or a boolean",
];

export const settings: Rule = [
  (options) => isBag(options) && Object.values(options).every(settingValue[0]),
  "an object of strings, numbers and booleans",
];

export const columnNames: Rule = [
  (names) => isText(names) || (Array.isArray(names) && names.every(isText)),
  "the name of a column, or an array of such names",
];

export const sqlArguments: Rule = [
  (args) => isBag(args) || Array.isArray(args),
  "an object { name: value } or an array of values",
];

export const tag: Rule = [isTag, "a string, not empty and without a comma"];
