/** Columns as the user wants them: cast by Spark, before any delivery. */
import type { Field, Schema } from "apache-arrow";
import { schemaDifference } from "../arrow/schema-difference.js";
import type { RelationInit } from "../connect/session/plan.js";
import { quotedName } from "../connect/session/quoted-name.js";
import type { DataFrame } from "../connect/session/session.js";
import { sqlType } from "../connect/session/sql-type.js";
import { SparkStreamError } from "../errors.js";
import type { RunOptions } from "../runtime/call-options.js";

/**
 * The plan of a frame with its columns cast to those of an Arrow schema: as many, of the same names, in the same order. A
 * column that has the type already is left alone.
 *
 * @throws SparkStreamError SCHEMA_MISMATCH: other columns, or a cast gives another type after all, such as one that may be
 *   null; UNSUPPORTED_TYPE: an Arrow type that Spark never sends; QUERY_FAILED: Spark has no such cast
 */
export async function castPlan(source: DataFrame, schema: Schema, options: RunOptions): Promise<RelationInit> {
  const own = await source.schema(options);
  checkNames(own, schema);
  // Names of their own, since several columns may have one.
  const names = own.fields.map((_, index) => `c${index}`);
  const columns = schema.fields.map((field, index) => castColumn(names[index]!, own.fields[index]!, field));
  const frame = names.length > 0 ? source.toDF(...names).select(...columns) : source;
  const difference = schemaDifference(schema.fields, (await frame.schema(options)).fields);
  if (difference)
    throw new SparkStreamError(
      "SCHEMA_MISMATCH",
      `Spark cannot produce the requested schema: its result ${difference}.`,
    );
  return frame.relation(options);
}

function checkNames(own: Schema, schema: Schema): void {
  if (own.fields.length !== schema.fields.length) {
    const [has, wants] = [own.fields.length, schema.fields.length];
    throw new SparkStreamError(
      "SCHEMA_MISMATCH",
      `The requested schema has ${wants} columns, but the DataFrame has ${has}.`,
    );
  }
  for (const [index, { name }] of schema.fields.entries()) {
    const found = own.fields[index]!.name;
    if (found === name) continue;
    const [is, wanted] = [JSON.stringify(found), JSON.stringify(name)];
    const message = `Column ${index} is ${is}, but ${wanted} in the requested schema. Select the columns in the schema's order.`;
    throw new SparkStreamError("SCHEMA_MISMATCH", message);
  }
}

function castColumn(column: string, own: Field, wanted: Field): string {
  const type = sqlType(wanted);
  if (type === undefined) {
    const message = `Column ${JSON.stringify(wanted.name)} is requested as ${wanted.type}, a type that Spark does not send.`;
    throw new SparkStreamError("UNSUPPORTED_TYPE", message);
  }
  const cast = sqlType(own) === type ? column : `CAST(${column} AS ${type})`;
  // This makes a column that cannot be null nullable; the optimizer removes the expression again.
  const value = wanted.nullable && !own.nullable ? `CASE WHEN 1 = 1 THEN ${cast} END` : cast;
  return `${value} AS ${quotedName(wanted.name)}`;
}
