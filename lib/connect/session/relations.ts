/** The relations of a plan that sessions, readers and DataFrames make: each function a message of the protocol. */
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import {
  Aggregate_GroupType as GroupType,
  Join_JoinType as JoinType,
  Parse_ParseFormat as ParseFormat,
  SetOperation_SetOpType as SetOpType,
} from "../generated/spark-connect_pb.js";
import { hasDataFrameMark } from "./arguments.js";
import type { JoinHow } from "./join-how.js";
import { type LiteralInit, literal } from "./literal.js";
import { type ExpressionInit, type Planned, type RelationInit, sqlExpression } from "./plan.js";
import type { SqlArguments, SqlParameter } from "./sql-arguments.js";

type RelationType = RelationInit["relType"];

/** A query as text, its parameters as literals, and the frames that it names. */
export interface SqlText {
  readonly query: string;
  readonly named?: Readonly<Record<string, LiteralInit>>;
  readonly positional?: readonly LiteralInit[];
  /** By the names that they have in the text. */
  readonly frames?: Readonly<Record<string, Planned>>;
}

/**
 * @param session that of the query
 * @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type, and a frame that is of another session, or
 *   that the text does not name
 */
export function sqlText(query: string, args: SqlArguments, session?: object): SqlText {
  if (isPositional(args)) {
    // Array.from, since the methods of an array skip its holes, which are not parameters either.
    const positional = Array.from(args, (value, index) => literal(value, String(index)));
    return positional.length > 0 ? { query, positional } : { query };
  }
  const frames: Record<string, Planned> = {};
  const named: [string, LiteralInit][] = [];
  let text = query;
  for (const [name, value] of Object.entries(args)) {
    if (!hasDataFrameMark(value)) {
      named.push([name, literal(value as SqlParameter, name)]);
      continue;
    }
    const frame = value as Planned;
    if (frame.session !== session) throw invalidFrame(`"${name}" belongs to another session`);
    const alias = `spark_arrow_stream_frame${Object.keys(frames).length}`;
    const replaced = text.replaceAll(`{${name}}`, alias);
    if (replaced === text) throw invalidFrame(`"${name}" is not in the query: write {${name}} there`);
    text = replaced;
    frames[alias] = frame;
  }
  return {
    query: text,
    ...(named.length > 0 && { named: Object.fromEntries(named) }),
    ...(Object.keys(frames).length > 0 && { frames }),
  };
}

function invalidFrame(what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `The DataFrame ${what}.`);
}

/** The relation of SQL text, with those of the frames that it names. */
export async function sqlRelation(text: SqlText, asLiterals: boolean, options: RunOptions): Promise<RelationInit> {
  const root = sql(text, asLiterals);
  if (!text.frames) return { relType: root };
  if (asLiterals) {
    const advice = "Give it a name: await df.createOrReplaceTempView(name).";
    throw new SparkStreamError("UNSUPPORTED", `A DataFrame in a query, {name}, needs Spark 4.0 or later. ${advice}`);
  }
  const references: Record<string, RelationInit> = {};
  for (const [alias, frame] of Object.entries(text.frames)) references[alias] = await frame.relation(options);
  return { relType: withRelations(root, references) };
}

/** @param asLiterals parameters in the fields that Spark 3.5 has for them; Spark 4 has others, for expressions */
export function sql({ query, named, positional }: SqlText, asLiterals: boolean): RelationType {
  const parameters = asLiterals ? literals(named, positional) : expressions(named, positional);
  return { case: "sql", value: { query, ...parameters } };
}

export function literals(named: SqlText["named"], positional: SqlText["positional"]) {
  return { ...(named && { args: { ...named } }), ...(positional && { posArgs: [...positional] }) };
}

function expressions(named: SqlText["named"], positional: SqlText["positional"]) {
  const expression = (value: LiteralInit): ExpressionInit => ({ exprType: { case: "literal", value } });
  const entries = Object.entries(named ?? {}).map(([name, value]) => [name, expression(value)]);
  return {
    ...(named && { namedArguments: Object.fromEntries(entries) }),
    ...(positional && { posArguments: positional.map(expression) }),
  };
}

function isPositional(args: SqlArguments): args is readonly SqlParameter[] {
  return Array.isArray(args);
}

export function range(start: bigint, end: bigint, step: bigint, numPartitions: number | undefined): RelationType {
  return { case: "range", value: { start, end, step, ...(numPartitions !== undefined && { numPartitions }) } };
}

export interface ReadSource {
  readonly format?: string;
  readonly schema?: string;
  readonly options: Readonly<Record<string, string>>;
}

export function readFiles({ format, schema, options }: ReadSource, paths: string[]): RelationType {
  const value = { options: { ...options }, paths, ...(format && { format }), ...(schema && { schema }) };
  return { case: "read", value: { readType: { case: "dataSource", value } } };
}

export function readTable({ options }: ReadSource, unparsedIdentifier: string): RelationType {
  const value = { unparsedIdentifier, options: { ...options } };
  return { case: "read", value: { readType: { case: "namedTable", value } } };
}

export function project(input: RelationInit, expressions: readonly string[]): RelationType {
  return { case: "project", value: { input, expressions: expressions.map(sqlExpression) } };
}

export function filter(input: RelationInit, condition: string): RelationType {
  return { case: "filter", value: { input, condition: sqlExpression(condition) } };
}

export function withColumns(input: RelationInit, columns: readonly (readonly [string, string])[]): RelationType {
  const aliases = columns.map(([name, expression]) => ({ name: [name], expr: sqlExpression(expression) }));
  return { case: "withColumns", value: { input, aliases } };
}

export function renameColumns(input: RelationInit, names: Readonly<Record<string, string>>): RelationType {
  const renames = Object.entries(names).map(([colName, newColName]) => ({ colName, newColName }));
  // Servers before 4.0 read the map, later ones the list if there is one.
  return { case: "withColumnsRenamed", value: { input, renameColumnsMap: { ...names }, renames } };
}

/** @param expressions rows of equal values go to the same partition; none: rows are spread evenly */
export function repartition(input: RelationInit, numPartitions: number, expressions: readonly string[]): RelationType {
  if (expressions.length === 0) return { case: "repartition", value: { input, numPartitions, shuffle: true } };
  const partitionExprs = expressions.map(sqlExpression);
  return { case: "repartitionByExpression", value: { input, numPartitions, partitionExprs } };
}

export function unionAll(leftInput: RelationInit, rightInput: RelationInit): RelationType {
  return { case: "setOp", value: { leftInput, rightInput, setOpType: SetOpType.UNION, isAll: true } };
}

/** The rows that the texts in the only column of a frame are: JSON objects. Their types are those that all of them together have. */
export function parsedJson(input: RelationInit, options: Readonly<Record<string, string>>): RelationType {
  return { case: "parse", value: { input, format: ParseFormat.JSON, options } };
}

/** Of any number of them, at least one. Halves of halves, since a plan must not be nested as deeply as there may be relations. */
export function unionOfAll(inputs: readonly RelationInit[]): RelationInit {
  if (inputs.length === 1) return inputs[0]!;
  const half = inputs.length >> 1;
  return { relType: unionAll(unionOfAll(inputs.slice(0, half)), unionOfAll(inputs.slice(half))) };
}

export function unionByName(
  leftInput: RelationInit,
  rightInput: RelationInit,
  allowMissingColumns: boolean,
): RelationType {
  const value = { leftInput, rightInput, setOpType: SetOpType.UNION, isAll: true, byName: true, allowMissingColumns };
  return { case: "setOp", value };
}

export function intersect(leftInput: RelationInit, rightInput: RelationInit): RelationType {
  return { case: "setOp", value: { leftInput, rightInput, setOpType: SetOpType.INTERSECT, isAll: false } };
}

export function except(leftInput: RelationInit, rightInput: RelationInit): RelationType {
  return { case: "setOp", value: { leftInput, rightInput, setOpType: SetOpType.EXCEPT, isAll: false } };
}

/** A query whose text has names that stand for other frames. */
export function withRelations(root: RelationType, references: Readonly<Record<string, RelationInit>>): RelationType {
  const aliases = Object.entries(references).map(
    ([alias, input]): RelationInit => ({
      relType: { case: "subqueryAlias", value: { input, alias } },
    }),
  );
  return { case: "withRelations", value: { root: { relType: root }, references: aliases } };
}

export const joinTypes: Readonly<Record<JoinHow, JoinType>> = {
  inner: JoinType.INNER,
  cross: JoinType.CROSS,
  full: JoinType.FULL_OUTER,
  outer: JoinType.FULL_OUTER,
  fullouter: JoinType.FULL_OUTER,
  full_outer: JoinType.FULL_OUTER,
  left: JoinType.LEFT_OUTER,
  leftouter: JoinType.LEFT_OUTER,
  left_outer: JoinType.LEFT_OUTER,
  right: JoinType.RIGHT_OUTER,
  rightouter: JoinType.RIGHT_OUTER,
  right_outer: JoinType.RIGHT_OUTER,
  semi: JoinType.LEFT_SEMI,
  leftsemi: JoinType.LEFT_SEMI,
  left_semi: JoinType.LEFT_SEMI,
  anti: JoinType.LEFT_ANTI,
  leftanti: JoinType.LEFT_ANTI,
  left_anti: JoinType.LEFT_ANTI,
};

export function join(
  left: RelationInit,
  right: RelationInit,
  usingColumns: string[],
  condition: string | undefined,
  how: JoinHow,
): RelationType {
  const joinCondition = condition === undefined ? {} : { joinCondition: sqlExpression(condition) };
  return { case: "join", value: { left, right, joinType: joinTypes[how], usingColumns, ...joinCondition } };
}

export function aggregate(
  input: RelationInit,
  groupings: readonly string[],
  aggregates: readonly string[],
): RelationType {
  return {
    case: "aggregate",
    value: {
      input,
      groupType: GroupType.GROUPBY,
      groupingExpressions: groupings.map(sqlExpression),
      aggregateExpressions: aggregates.map(sqlExpression),
    },
  };
}

export function collectMetrics(input: RelationInit, name: string, aggregates: readonly string[]): RelationType {
  return { case: "collectMetrics", value: { input, name, metrics: aggregates.map(sqlExpression) } };
}
