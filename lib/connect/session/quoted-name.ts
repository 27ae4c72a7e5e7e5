/** Names in SQL text. (Loaded without apache-arrow, unlike sql-type.ts.) */
import { checkArguments, filled } from "../../runtime/check-options.js";

/** A name quoted for SQL. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/**
 * The name of a column, quoted for an expression: ``col("unit price")`` is `` `unit price` ``.
 *
 * @param names several for a field within a struct: `col("address", "zip code")`, or for a frame's alias and its column
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function col(...names: [string, ...string[]]): string {
  checkArguments("col()", "names", names, filled);
  return names.map(quotedName).join(".");
}
