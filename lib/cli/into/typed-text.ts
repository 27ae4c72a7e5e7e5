/**
 * Text as values: Spark casts it, by the types that the target's columns have, or that were given. What does not fit is an error, and
 * never null. In: a frame of strings. Out: expressions, and a frame.
 */
import type { DataFrame, SparkSession } from "../../connect/index.js";
import { TOLD } from "../../connect/python/told.js";
import { quotedName } from "../../connect/session/quoted-name.js";
import * as relations from "../../connect/session/relations.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";

/** Names and types, as `dtypes()` has them. */
export type Columns = readonly (readonly [name: string, type: string])[];

/** @param ddl as in CREATE TABLE @throws SparkStreamError QUERY_FAILED, INVALID_ARGUMENT */
export async function columnsOf(session: SparkSession, ddl: string, run: RunOptions): Promise<Columns> {
  return await session.createDataFrame([], { schema: ddl }).dtypes(run);
}

/**
 * The cells of CSV as columns of these types; those that the file lacks are null.
 *
 * @throws SparkStreamError SCHEMA_MISMATCH for a column of the file that is not wanted; UNSUPPORTED_TYPE
 */
export function csvExpressions(names: readonly string[], wanted: Columns | undefined): string[] {
  if (!wanted) return names.map(quotedName);
  const found = new Map(names.map((name) => [name.toLowerCase(), name]));
  const known = new Set(wanted.map(([name]) => name.toLowerCase()));
  const extra = names.find((name) => !known.has(name.toLowerCase()));
  if (extra !== undefined) throw unknownColumn(extra, wanted);
  return wanted.map(([name, type]) => {
    const own = found.get(name.toLowerCase());
    const value = own === undefined ? "NULL" : cast(own, type);
    return `${own === undefined ? `CAST(NULL AS ${type})` : value} AS ${quotedName(name)}`;
  });
}

function cast(name: string, type: string): string {
  const column = quotedName(name);
  if (/^(string|char|varchar)\b/i.test(type)) return column;
  if (/^(array|map|struct|variant)\b/i.test(type)) {
    throw new SparkStreamError(
      "UNSUPPORTED_TYPE",
      `The column ${column} is ${type}, which CSV cannot hold. Use ndjson, arrow or parquet.`,
    );
  }
  const value = /^binary$/i.test(type) ? `TRY_TO_BINARY(${column}, 'base64')` : `TRY_CAST(${column} AS ${type})`;
  const trouble = told([literal(`Column ${column}: `), column, literal(` is no ${type.toUpperCase()}`)]);
  return `IF(${column} IS NULL, NULL, COALESCE(${value}, ${trouble}))`;
}

/** JSON objects, a text each, as rows of these types, or of those that Spark infers from all of them. */
export function parsedJson(lines: DataFrame, wanted: Columns | undefined): DataFrame {
  if (!wanted) {
    const options = { mode: "FAILFAST" };
    return lines.withPlan(async (run) => ({ relType: relations.parsedJson(await lines.relation(run), options) }));
  }
  const ddl = wanted.map(([name, type]) => `${quotedName(name)} ${type}`).join(", ");
  const names = wanted.map(([name]) => literal(name)).join(", ");
  // from_json() passes over fields that it does not know.
  const extra = `ARRAY_EXCEPT(JSON_OBJECT_KEYS(value), ARRAY(${names}))`;
  const trouble = told(["'The field '", `${extra}[0]`, "' is no column: '", "value"]);
  return lines
    .where(`IF(COALESCE(SIZE(${extra}), 0) > 0, ${trouble}, TRUE)`)
    .select(`FROM_JSON(value, ${literal(ddl)}, MAP('mode', 'FAILFAST')) AS row`)
    .select("row.*");
}

/** The most of a text that an error shows, in characters. */
const SHOWN = 60;

/** An error by SQL. @param parts expressions of texts */
function told(parts: readonly string[]): string {
  const shown = parts.map((part) => `LEFT(${part}, ${SHOWN})`);
  const text = [literal(`${TOLD} INVALID_INPUT: `), ...shown, "'. Nothing was written.'"].join(", ");
  return `RAISE_ERROR(TRANSLATE(CONCAT(${text}), '\\n', ' '))`;
}

function unknownColumn(name: string, wanted: Columns): SparkStreamError {
  const columns = wanted.map(([column]) => quotedName(column)).join(", ");
  const message = `The file has the column ${quotedName(name)}, which is not among ${columns}. Nothing was written.`;
  return new SparkStreamError("SCHEMA_MISMATCH", message);
}

function literal(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
