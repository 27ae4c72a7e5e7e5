/** The relations of a plan that sessions, readers and DataFrames make: each function a message of the protocol. */
import {
  Aggregate_GroupType as GroupType,
  Join_JoinType as JoinType,
  SetOperation_SetOpType as SetOpType,
} from "../generated/spark-connect_pb.js";
import { type LiteralInit, literal, type SqlParameter } from "./literal.js";
import { type ExpressionInit, type RelationInit, sortOrder, sqlExpression } from "./plan.js";

type RelationType = RelationInit["relType"];

/** Parameters of a query: `{ name: value }` for `:name`, an array for `?`. */
export type SqlArguments = Readonly<Record<string, SqlParameter>> | readonly SqlParameter[];

/** A query as text, and its parameters as literals. */
export interface SqlText {
  readonly query: string;
  readonly named?: Readonly<Record<string, LiteralInit>>;
  readonly positional?: readonly LiteralInit[];
}

/** @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type */
export function sqlText(query: string, args: SqlArguments): SqlText {
  if (isPositional(args)) {
    // Array.from, since the methods of an array skip its holes, which are not parameters either.
    const positional = Array.from(args, (value, index) => literal(value, String(index)));
    return positional.length > 0 ? { query, positional } : { query };
  }
  const named = Object.entries(args).map(([name, value]) => [name, literal(value, name)] as const);
  return named.length > 0 ? { query, named: Object.fromEntries(named) } : { query };
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

export function withColumn(input: RelationInit, name: string, expression: string): RelationType {
  return { case: "withColumns", value: { input, aliases: [{ name: [name], expr: sqlExpression(expression) }] } };
}

/** @param isGlobal false: each partition by itself */
export function sort(input: RelationInit, orders: readonly string[], isGlobal = true): RelationType {
  return { case: "sort", value: { input, order: orders.map(sortOrder), isGlobal } };
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

/** How two DataFrames are joined, in the words of Spark's `join`. */
export type JoinHow = "inner" | "cross" | "full" | "left" | "right" | "semi" | "anti";

export const joinTypes: Readonly<Record<JoinHow, JoinType>> = {
  inner: JoinType.INNER,
  cross: JoinType.CROSS,
  full: JoinType.FULL_OUTER,
  left: JoinType.LEFT_OUTER,
  right: JoinType.RIGHT_OUTER,
  semi: JoinType.LEFT_SEMI,
  anti: JoinType.LEFT_ANTI,
};

export function join(left: RelationInit, right: RelationInit, usingColumns: string[], how: JoinHow): RelationType {
  return { case: "join", value: { left, right, joinType: joinTypes[how], usingColumns } };
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
