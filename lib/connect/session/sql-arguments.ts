/** What queries and expressions take as values. */
import type { Planned } from "./plan.js";

/**
 * A parameter of a query. A whole number becomes INT, or BIGINT if it needs that; other numbers DOUBLE; a bigint BIGINT;
 * a Date TIMESTAMP; bytes BINARY; an array ARRAY, of one type. For any other type pass a string and CAST it in the SQL.
 */
export type SqlParameter = null | boolean | number | bigint | string | Date | Uint8Array | readonly SqlParameter[];

/** Values of `:name` in an expression. */
export type NamedArguments = Readonly<Record<string, SqlParameter>>;

/**
 * Parameters of a query: `{ name: value }` for `:name`, an array for `?`; and DataFrames, `{ name: df }` for `{name}`.
 */
export type SqlArguments = Readonly<Record<string, SqlParameter | Planned>> | readonly SqlParameter[];
